"""Secrets in fixes: what is masked, and what is code and stays."""

import pytest

from stages.scanners.secret_fixes import masked_fix

SECRET = "Tr0ub4dor99"


@pytest.mark.parametrize(
    "fix",
    [
        f"grub_password='{SECRET}'",
        f'DB_PASSWORD="{SECRET}"',
        f"export AUTH_TOKEN={SECRET}",
        f"snmp_community='{SECRET}'",
        *(
            f"{name}_key='{SECRET}'"
            for name in ("api", "encryption", "signing", "master", "shared", "pre_shared")
        ),
        f'echo "bindpw {SECRET}" >> /etc/ldap.conf',
        f"echo requirepass {SECRET} >> /etc/redis/redis.conf",
        f"    - name: x\n      password: {SECRET}",
        f"  vars:\n    var_bind_password: !!str {SECRET}",
        f"user {{ 'root': password => '{SECRET}' }}",
        f"echo 'root:{SECRET}' | chpasswd",
        f"usermod -p {SECRET} root",
        f"curl -u admin:{SECRET} https://example.com/",
        f"wget https://admin:{SECRET}@example.com/key",
    ],
)
def test_a_secret_that_is_written_out_is_masked(fix: str) -> None:
    assert SECRET not in masked_fix(fix)


@pytest.mark.parametrize(
    "fix",
    [
        'KEY="perm_mod"',
        'sort_key="name"',
        "stripped_key=$(sed 's/[=]*//g' <<< \"^minlen\")",
        r"-F auid!=unset (-k\s+|-F\s+key=)\S+\s*$",
        "    key: AUDIT",
        'password="$1"',
        'token="$(cat /run/token)"',
        'password: "{{ bind_password }}"',
        "password: '{{ bind_password }}'",
        "var_password_pam_minlen='14'",
        "var_password_pam_dcredit='-1'",
        "    var_password_pam_difok: !!str 8",
        "    var_password_pam_difok: !!str\n  tasks: []",
        "var_accounts_passwords_pam_faillock_deny='3'",
        "var_accounts_password_warn_age_login_defs='7'",
        'password_hashing_algorithm="SHA512"',
        "sed -i 's/^password .*/password required pam_unix.so/' /etc/pam.d/system-auth",
        "PasswordAuthentication=no",
        "ssl_key=/etc/ssl/private/host.pem",
        'exec { x: command => "chmod 0640 /etc/ssh/*_key" }',
    ],
)
def test_code_stays_as_it_is(fix: str) -> None:
    assert masked_fix(fix) == fix
