"""Secrets of the host are masked, and other values stay readable."""

import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas.codec import encode
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.secrets import MASK, is_secret_name, masked_line, masked_text, masked_value
from tests.scanners.openscap.scap_samples import Rule, Test, arf, opener


@pytest.mark.parametrize(
    "line",
    [
        "db_password = S3cr3t!",
        "dbPassword: S3cr3t!",
        "bindpw S3cr3t!",
        "user { 'root': password => 'S3cr3t!' }",
        "the answer: token => S3cr3t!",
        "connection refused: password: S3cr3t!",
        "API_KEY=S3cr3t!",
        "secret 'S3cr3t!'",
        'auth_token="S3cr3t!"',
        "psk=S3cr3t!",
        "export VAULT_TOKEN=S3cr3t!",
        "root:$6$salt$S3cr3t!aaaaaaaaaaa:19000:0:99999:7:::",
        "joe:S3cr3t!:19000:0:99999:7:::",
        "password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCDEFS3cr3t!",
        "mount //h/s -o username=x,password=S3cr3t!",
        "proxy=http://joe:S3cr3t!@proxy:3128/",
        "/usr/bin/app --password S3cr3t!",
        "/usr/bin/app --api-key=S3cr3t!",
        "Authorization: Bearer S3cr3t!aaaa",
        "<password>S3cr3t!</password>",
        '<ns:api-key id="x">S3cr3t!</ns:api-key>',
        '<Setting name="password" value="S3cr3t!"/>',
        'define("DB_PASSWORD", "S3cr3t!");',
        "GET http://server/x?a=1&token=S3cr3t!&b=2",
        "requirepass S3cr3t!",
        "ldap_default_authtok = S3cr3t!",
        "sshpass -p S3cr3t! ssh host",
        "sshpass -pS3cr3t! ssh -p 22 host",
        "curl -u user:S3cr3t! https://server/ --proxy-user me:S3cr3t!",
        'curl --user "user:S3cr3t!" https://server/',
        "mysql -u root -pS3cr3t! db",
        "smbclient -U joe%S3cr3t! //h/s",
        "echo 'root:S3cr3t!' | chpasswd",
        'CREATE USER x IDENTIFIED BY "S3cr3t!"',
        "ALTER USER x identified with plugin by 'S3cr3t!';",
        "rocommunity S3cr3t! default",
        "rwcommunity6 S3cr3t!",
        "com2sec -Cn ctx readonly default S3cr3t!",
        "com2sec readonly default S3cr3t!",
        "trap2sink host S3cr3t!",
        "snmp-server community S3cr3t! RO",
        'createUser joe SHA "S3cr3t!" AES S3cr3t!',
        "password: !vault |\n  S3cr3t!\n  S3cr3t!",
        "- password: |\n    S3cr3t!\n\nname: x",
        "'password' => 'S3cr3t!',",
        "password => S3cr3t!",
        r'"password": "a\"S3cr3t!"',
        "password = S3cr3t! and S3cr3t!",
        "userPassword:: S3cr3t!",
        "rootpw --plaintext S3cr3t!",
        "machine x login y password S3cr3t!",
        '%admin : PSK "S3cr3t!"',
        "redis://:S3cr3t!@host/",
        "Environment=DB_PASSWORD=S3cr3t!",
        'Environment="APP_MODE=a" "DB_PASSWORD=S3cr3t! S3cr3t!"',
        "Environment='DB_PASSWORD=S3cr3t! S3cr3t!'",
        'GRUB_CMDLINE_LINUX="rhgb quiet iscsi_password=S3cr3t!"',
        "BOOT_IMAGE=/vmlinuz ro rd.iscsi.password=S3cr3t! quiet",
        'ConnectionString="Server=db;User Id=sa;Password=S3cr3t!;Encrypt=yes"',
        "dsn = 'host=db user=app password=S3cr3t! dbname=x'",
        r'CONFIG="{\"user\": \"a\", \"password\": \"S3cr3t!\"}"',
        'CONFIG=\'{"db": {"password": "S3cr3t!"}}\'',
        "ExecStart=/usr/bin/sh -c 'PGPASSWORD=\"S3cr3t!\" psql'",
        'ExecStart="--password S3cr3t!"',
        "JAVA_OPTS=-Dspring.datasource.password=S3cr3t!",
        "OPTS=a=b=c=token=S3cr3t!",
        "url=jdbc:mysql://db/x?user=a&password=S3cr3t!&ssl=1",
        "broker = amqp://app:S3cr3t!@mq/",
        "passwd: S3cr3t!",
        "$y$j9T$salt$S3cr3t!aaaaaaaa",
        "$gy$j9T$salt$S3cr3t!aaaaaaaa",
        "$7$CU..../....salt$S3cr3t!aaa",
        "$md5,rounds=904$salt$$S3cr3t!aaa",
        "$sm3$salt$S3cr3t!aaaaaaaa",
        "$argon2id$v=19$m=65536,t=3,p=4$salt$S3cr3t!",
        "$P$BsaltS3cr3t!aaaaaaaaaa",
        "$pbkdf2-sha256$29000$salt$S3cr3t!",
        "_J9..S3cr3t!AAAAAAA",
        "{SSHA512}S3cr3t!",
        '{"passwords": ["S3cr3t!", "S3cr3t!"]}',
        "{'api_keys': ['S3cr3t!']}",
        "postgres://app:S3cr3t!@db:5432/app",
        "ftp://joe:Zq9x@S3cr3t!@host/",
        "https://account/x?sv=1&sig=S3cr3t!aaa&x=1",
        "https://hooks.slack.com/services/T000/B000/S3cr3t!aaaa",
        "git clone https://ghp_S3cr3t!aaaaaaaa@github.com/x",
        "registry glpat-S3cr3t!aaaaaaaa",
        "xoxb-12345678-S3cr3t!",
        "sk_live_S3cr3t!aaaa",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.S3cr3t!aaaa",
        "curl -H 'Authorization: Token S3cr3t!'",
        "Cookie: session=S3cr3t!",
        "Set-Cookie: sid=S3cr3t!; HttpOnly",
        "bind_pw: S3cr3t!",
        "olcRootPW: S3cr3t!",
        "masterauth S3cr3t!",
        "ldapsearch -x -w S3cr3t! -D cn=admin",
        "useradd -m -p S3cr3t! joe",
        "neighbor 192.0.2.1 password S3cr3t!",
        "username joe password 7 S3cr3t!",
        "enable secret 5 S3cr3t!",
        "[smtp.example.com]:587 joe:S3cr3t!",
        "ALTER ROLE app PASSWORD 'S3cr3t!'",
        "login failed for user 'x' with password 'S3cr3t!'",
        "set password for joe = 'S3cr3t!'",
        "$3$$S3cr3t!aaaaaaaaaaaaaaaaaaaaaa",
        "$scrypt$ln=16,r=8,p=1$S3cr3t!$S3cr3t!aaaa",
        "AccountName=x;AccountKey=S3cr3t!==;EndpointSuffix=core",
    ],
)
def test_a_secret_in_a_line_is_masked(line: str) -> None:
    shown = masked_line(line.replace("S3cr3t!", "S3cr3tXY"))
    assert "S3cr3t" not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "line",
    [
        "PASS_MAX_DAYS 99999",
        "var_password_pam_dcredit='-1'",
        "var_accounts_password_warn_age_login_defs=7",
        "PasswordAuthentication yes",
        "PermitEmptyPasswords no",
        "minlen = 14",
        "password requisite pam_pwquality.so retry=3",
        "password [success=1 default=ignore] pam_unix.so obscure sha512 remember=5",
        "AuthorizedKeysFile .ssh/authorized_keys",
        "HostKey /etc/ssh/ssh_host_rsa_key",
        "HostKeyAlgorithms ssh-ed25519",
        "root:x:0:0:root:/root:/bin/bash",
        "kernel.keys.maxkeys = 200",
        "-a always,exit -F arch=b64 -S execve -F key=exec",
        "-w /etc/shadow -p wa -k identity",
        "ClientAliveInterval 300",
        "keyboard us",
        "proxy_bypass = localhost",
        "http://server/x?a=1&b=2",
        "<name>joe</name>",
        '<add name="retries" value="3"/>',
        "rotate_password = yes # every day",
        "mkdir -p /var/lib/mysql",
        "-a always,exit -F path=/usr/sbin/chpasswd -F perm=x -F auid>=1000 -k privileged",
        "name: |\n  some words",
        "curl -u https://server/",
        "ops ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx",
        "%wheel ALL=(ALL) NOPASSWD: ALL",
        "ops ALL=(root) PASSWD: /usr/bin/id, NOPASSWD: /usr/bin/true",
        "Defaults:ops !authenticate",
        "passwd: files nis sss",
        "passwd:         files systemd [NOTFOUND=return] ldap",
        "shadow: files sss",
        "compass = north",
        "tokenizer = standard",
        "secretary = jane",
        "underpass: closed",
        "Environment=LANG=C.UTF-8 PATH=/usr/bin",
        'GRUB_CMDLINE_LINUX="rhgb quiet audit=1"',
        'OPTIONS="-u chrony -F 2"',
        "_this_is_a_long_identifier = 1",
        "a=b=c=d=e=f=g=h",
        "passwd: sss files  # the order counts",
        "passwd_compat: nis",
        "Defaults passwd_tries=3",
        "HostKeyAgent SSH_AUTH_SOCK",
        "ssl_certificate_key /etc/nginx/site.key;",
        "proxy_pass http://127.0.0.1:8080;",
        "fastcgi_pass unix:/run/php.sock;",
        "credentials=/root/.smb",
        "LoadCredential=db:/etc/db",
        "PWD=/root OLDPWD=/tmp",
        "PublicKey = AAAAC3NzaC1lZDI1NTE5AAAAIJ",
        "primary_key=id",
        "token_ttl: 3600",
        "password: null",
        "-w /usr/sbin/useradd -p wa -k identity",
        "-w /usr/sbin/usermod -p x -k identity",
        "https://git@github.com/x.git",
        "the password is expired",
        "enable password expiry",
        "neighbor 192.0.2.1 remote-as 65000",
        "Authorization: required",
        "ldap_tls_reqcert = demand",
        "PassEnv LANG",
        "pwquality = 1",
    ],
)
def test_what_is_not_a_secret_stays_readable(line: str) -> None:
    assert masked_line(line) == line


@pytest.mark.parametrize("text", ["a=" * 2000, '"a=' * 1300, "a='" * 1300, "passwd:" * 570])
def test_values_in_values_are_searched_quickly(text: str) -> None:
    began = time.process_time()
    masked_line(text)
    assert time.process_time() - began < 1


def test_a_setting_is_masked_by_its_name() -> None:
    assert masked_value("wifi.psk", "hunter22") == MASK
    assert masked_value("PASS_MIN_LEN", "8") == "8"


@given(st.from_regex(r"[a-z]{0,8}_?(secret|token|password)", fullmatch=True))
@example("casinopassword")
def test_any_name_that_contains_a_word_for_secrets_is_secret(name: str) -> None:
    assume(name != "nopassword")
    assert is_secret_name(name)
    assert is_secret_name(name.upper())


def test_neither_a_hash_nor_a_password_gets_into_a_report() -> None:
    hashed = "$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789"
    tests = [
        Test(
            "shadow",
            "<username>root</username>",
            '<password operation="pattern match">^!</password>',
            [("false", f"<username>root</username><password>{hashed}</password>")],
        ),
        Test(
            "textfilecontent54",
            r'<filepath>/etc/my.cnf</filepath><pattern operation="pattern match">^password=(.*)$'
            r"</pattern>",
            "<subexpression>changed</subexpression>",
            [
                (
                    "false",
                    (
                        "<filepath>/etc/my.cnf</filepath><text>password=hunter22</text>"
                        "<subexpression>hunter22</subexpression>"
                    ),
                )
            ],
            item="textfilecontent",
        ),
        Test(
            "environmentvariable58",
            "<pid/><name>DB_TOKEN</name>",
            "<value>x</value>",
            [("false", "<pid>1</pid><name>DB_TOKEN</name><value>hunter22</value>")],
        ),
    ]
    script = '<check system="http://open-scap.org/page/SCE"><check-import import-name="stdout">'
    script += 'token=hunter22</check-import><check-content-ref href="x.sh"/></check>'
    rules = [
        Rule("one", tests=tests),
        Rule("two", check=script),
        Rule("three", extra="<message>bad password: hunter22</message>"),
    ]
    report = encode(read_openscap(None, opener(arf(rules))))
    assert b"hunter22" not in report
    assert b"saltsalt" not in report
    assert report.count(MASK.encode()) >= 5


def test_an_old_hash_is_masked_where_only_the_matched_part_was_found() -> None:
    def found(file: str) -> str:
        test = Test(
            "textfilecontent54",
            f"<filepath>{file}</filepath>"
            '<pattern operation="pattern match">^root:([^:]+):</pattern>',
            '<subexpression operation="pattern match">^[!*]</subexpression>',
            [("false", f"<filepath>{file}</filepath><subexpression>abJnggxhB/yWI</subexpression>")],
            item="textfilecontent",
        )
        return str(read_openscap(None, opener(arf([Rule("one", tests=[test])]))))

    assert "abJnggxhB" not in found("/etc/shadow")
    assert "abJnggxhB" in found("/etc/other")


def test_an_expected_value_that_a_profile_sets_is_masked_by_the_name_of_its_setting() -> None:
    test = Test(
        "textfilecontent54",
        "<filepath>/etc/x</filepath>"
        r'<pattern operation="pattern match">^bind_password\s*=\s*(\S+)$</pattern>',
        '<subexpression var_ref="oval:x-p:var:1"/>',
        [("false", "<filepath>/etc/x</filepath><subexpression>other22</subexpression>")],
        item="textfilecontent",
        variables=[("oval:x-p:var:1", "hunter22")],
    )
    report = str(read_openscap(None, opener(arf([Rule("one", tests=[test])]))))
    assert "hunter22" not in report
    assert "other22" not in report
    assert MASK in report


def test_a_value_on_the_line_below_another_name_is_masked() -> None:
    shown = masked_text("environment:\n  DB_PASSWORD: hunter22\n  port: 5432\n")
    assert shown == f"environment:\n  DB_PASSWORD: {MASK}\n  port: 5432\n"


def test_a_text_of_any_length_is_masked_to_its_end() -> None:
    text = "a harmless line of output\n" * 1000 + "DB_PASSWORD=hunter2hunter2\n" + "x" * 9000 + "\n"
    shown = masked_text(text)
    assert "hunter2" not in shown
    assert shown.count("a harmless line of output\n") == 1000
    assert f"DB_PASSWORD={MASK}\n" in shown
    assert shown.endswith("…\n")


def test_short_texts_are_masked_as_they_are() -> None:
    assert masked_text("password=abc def") == f"password={MASK} def"
    assert masked_text("") == ""
