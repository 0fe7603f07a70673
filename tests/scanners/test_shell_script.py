"""What is found in the scripts of fixes: unset variables, paths, and what can't be undone."""

import pytest

from stages.scanners.shell_script import examine

SET = [
    "x=1; echo $x",
    "x='a b'\necho \"${x}\"",
    "for x in 1 2; do echo $x; done",
    "while read -r x y; do echo $x $y; done < /etc/fstab",
    'while IFS= read -r x; do echo "$x"; done',
    "mapfile -t x < f; echo ${x[@]}",
    "printf -v x '%s' a; echo $x",
    "f() { local x; x=$1; echo $x; }; f a",
    "declare -A x; x[a]=1; echo ${x[a]}",
    "echo ${x:-other} ${x-} ${x:+y}",
    ": ${x:=other}; echo $x",
    "echo $1 $@ $? $$ $! $# $* $0 $-",
    "echo $PATH ${BASH_REMATCH[1]} $HOME $UID $RANDOM ${PIPESTATUS[0]}",
    ". /etc/os-release; echo $VERSION_ID",
    "(( x = 1 )); echo $x",
    "if ! x=$(cmd); then echo $x; fi",
    'y="$(x=1; echo "$x")"; echo "$y"',
]
LITERAL = [
    "awk '{ print $x }' f",
    "dpkg-query --showformat='${db:Status-Status}' y",
    r"echo \$x",
    'grep -q "^y$" f',
    "grep -q ^installed$ f",
    'sed -i "s/^y.*$/z/" f',
    "# costs $x",
    "true # costs $x",
    "cat << 'EOF'\n$x\nEOF\necho",
    "cat <<- \\EOF\n\t$x\n\tEOF\necho",
    'cat << "END" > f\n${x}\nEND\n',
    "cat << EOF\n\\$x\nEOF",
    "echo $'it\\'s $x'",
    'echo "a"\'$x\'"b"',
]
UNSET = [
    "echo $x",
    'echo "${x}" > /etc/y',
    "cat << EOF\n$x\nEOF",
    'echo "$(grep "$x" f)"',
    "echo `echo $x`",
    "echo 'a'$x",
    'echo "it\'s $x"',
    "# x=1\necho $x",
    'echo "x=1" x; echo $x',
    "cat << 'EOF'\nx=1\nEOF\necho $x",
    'echo "${x%/*}" ${#x}',
    ". /etc/os-release; echo $x",
]


def test_a_variable_that_need_not_be_set_is_known_by_its_beginning() -> None:
    script = "[[ $OSCAP_BOOTC_BUILD == YES ]] && echo $OTHER"
    assert examine(script, "OSCAP_").unset == ("OTHER",)
    assert examine(script).unset == ("OSCAP_BOOTC_BUILD", "OTHER")


@pytest.mark.parametrize("script", SET + LITERAL)
def test_variables_that_are_set_and_literal_text_are_left_alone(script: str) -> None:
    assert examine(script).unset == ()


@pytest.mark.parametrize("script", UNSET)
def test_a_variable_that_is_never_set_is_found(script: str) -> None:
    assert examine(script).unset == ("x",)


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_path_with_blanks_is_named_whole(quote: str) -> None:
    assert "/opt/ünï code/my file" in examine(f"rm {quote}/opt/ünï code/my file{quote}").paths


def test_paths_are_named_once_and_without_devices_and_comments() -> None:
    script = (
        "# /etc/comment\n"
        "sed -i '/^PASS/d' /etc/login.defs\n"
        'echo x >> "/etc/ssh/sshd_config.d/00-a.conf"\n'
        "cp /etc/login.defs /dev/null; cat /proc/1/status; ls rel/ative\n"
    )
    assert examine(script).paths == ("/etc/login.defs", "/etc/ssh/sshd_config.d/00-a.conf")


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("systemctl restart sshd.service", "services: systemctl restart sshd.service"),
        (
            "SYSTEMCTL_EXEC='/usr/bin/systemctl'\n\"$SYSTEMCTL_EXEC\" stop 'rsh.socket'",
            "services: systemctl stop rsh.socket",
        ),
        ('DEBIAN_FRONTEND=noninteractive apt-get install -y "aide"', "packages: apt-get install"),
        ("dnf remove -y telnet", "packages: dnf remove -y telnet"),
        ("/sbin/sysctl -q -n -w net.ipv4.ip_forward=0", "kernel parameters: sysctl"),
        ("mount -o remount /tmp", "mounts: mount -o remount /tmp"),
        ("update-grub", "boot files: update-grub"),
        ("augenrules --load", "firewall and audit rules: augenrules --load"),
        ("find / -xdev -type f -perm -002 -exec chmod o-w {} +", "files found by a search: find /"),
    ],
)
def test_what_a_copy_of_files_cannot_take_back_is_named(script: str, named: str) -> None:
    (remark,) = examine(script).not_undone
    assert remark.startswith(named)


def test_a_script_that_only_asks_has_nothing_to_undo() -> None:
    script = "systemctl is-enabled x; rpm -q y; dpkg -l z; sysctl kernel.a; systemctl status b"
    assert examine(script).not_undone == ()


@pytest.mark.parametrize("script", ["'", '"', "$(", "${", "`", "\\", "<<", "cat << EOF", "$'", ""])
def test_what_is_never_closed_is_read_to_its_end(script: str) -> None:
    assert examine(script).unset == ()
