"""The baseline for any Linux: valid, complete, and every check fails where it should."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stages.scanners.openscap.content import EVERY_RESULT, LINUX
from tests.scanners.openscap.content_evaluation import XCCDF, evaluate

ID = "xccdf_io.github.compliance-agent.content_"
STANDARD, STRICT = f"{ID}profile_linux_standard", f"{ID}profile_linux_strict"
KERNEL = {"sysctl_randomize_va_space", "sysctl_protected_links", "sysctl_ip_forward"}

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes files that belong to root"
)


def rules() -> list[ElementTree.Element]:
    return list(ElementTree.parse(LINUX).iter(f"{XCCDF}Rule"))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A root directory on which every rule passes that looks at files."""
    root = tmp_path / "root"
    for directory in ("etc/ssh/sshd_config.d", "etc/cron.d", "etc/cron.daily", "tmp", "proc"):
        (root / directory).mkdir(parents=True)
    for path, text in {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n",
        "etc/group": "root:x:0:\n",
        "etc/shadow": "root:*:20000:0:99999:7:::\nuser:!:20000:0:99999:7:::\n",
        "etc/login.defs": "# PASS_MAX_DAYS 99999\nPASS_MAX_DAYS\t180\nUMASK\t\t027\n",
        "etc/ssh/sshd_config": "#PermitRootLogin yes\nInclude /etc/ssh/sshd_config.d/*.conf\n",
        "etc/ssh/sshd_config.d/50-root.conf": (
            "PermitRootLogin prohibit-password\nPermitEmptyPasswords no\n"
        ),
        "etc/crontab": "17 * * * * root true\n",
        "etc/mtab": "tmpfs /tmp tmpfs rw,nosuid,nodev 0 0\n",
        "proc/mounts": "tmpfs /tmp tmpfs rw,nosuid,nodev 0 0\n",
    }.items():
        (root / path).write_text(text)
        (root / path).chmod(0o644)
    (root / "etc/shadow").chmod(0o640)
    (root / "tmp").chmod(0o1777)
    return root


def appended(path: str, line: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / path).open("a") as file:
            file.write(line + "\n")

    return change


def mode(path: str, bits: int) -> Callable[[Path], None]:
    return lambda root: (root / path).chmod(bits)


def owner(path: str, uid: int, gid: int) -> Callable[[Path], None]:
    return lambda root: os.chown(root / path, uid, gid)


def mounted(options: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for path in ("etc/mtab", "proc/mounts"):
            (root / path).write_text(f"tmpfs /tmp tmpfs {options} 0 0\n")

    return change


def removed(*paths: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for path in paths:
            found = root / path
            found.rmdir() if found.is_dir() else found.unlink()

    return change


BREAKS = [
    ("passwd_group_permissions", mode("etc/passwd", 0o664)),
    ("passwd_group_permissions", owner("etc/group", 0, 12)),
    ("passwd_group_permissions", removed("etc/group")),
    ("shadow_permissions", mode("etc/shadow", 0o644)),
    ("shadow_permissions", owner("etc/shadow", 0, 1000)),
    ("only_root_has_uid_0", appended("etc/passwd", "toor:x:0:0::/root:/bin/sh")),
    ("no_empty_passwords", appended("etc/shadow", "guest::20000:0:99999:7:::")),
    ("pass_max_days", appended("etc/login.defs", "PASS_MAX_DAYS 99999")),
    ("pass_max_days", appended("etc/login.defs", "PASS_MAX_DAYS -1")),
    ("umask", appended("etc/login.defs", "UMASK 022")),
    ("sshd_permit_root_login", appended("etc/ssh/sshd_config", "permitrootlogin=yes")),
    (
        "sshd_permit_root_login",
        appended("etc/ssh/sshd_config.d/50-root.conf", "  PermitRootLogin yes"),
    ),
    ("sshd_permit_empty_passwords", appended("etc/ssh/sshd_config", 'PermitEmptyPasswords "yes"')),
    ("tmp_sticky", mode("tmp", 0o777)),
    ("tmp_mount_options", mounted("rw,nosuid")),
    ("tmp_mount_options", mounted("rw,nodev")),
    ("etc_not_world_writable", mode("etc/ssh/sshd_config", 0o646)),
    ("cron_permissions", mode("etc/crontab", 0o664)),
    ("cron_permissions", mode("etc/cron.d", 0o777)),
]


@pytest.mark.oscap
@pytest.mark.parametrize("datastream", [LINUX, EVERY_RESULT], ids=lambda path: path.name)
def test_the_datastreams_are_valid(datastream: Path) -> None:
    done = subprocess.run(
        ["oscap", "ds", "sds-validate", datastream], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.oscap
def test_oscap_lists_the_profiles() -> None:
    done = subprocess.run(
        ["oscap", "info", "--profiles", LINUX], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        f"{STANDARD}:Linux Baseline - Standard",
        f"{STRICT}:Linux Baseline - Strict",
    ]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("id").split("_rule_")[1])
def test_every_rule_has_a_description_a_rationale_a_severity_and_a_fix(
    rule: ElementTree.Element,
) -> None:
    for part in ("title", "description", "rationale", "reference", "fix", "check/"):
        assert rule.find(XCCDF + part) is not None, part
    assert rule.get("severity") in {"low", "medium", "high"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("id").split("_rule_")[1])
def test_every_rule_has_a_title_as_in_cis_benchmarks(rule: ElementTree.Element) -> None:
    title = rule.findtext(f"{XCCDF}title") or ""
    assert title.startswith("Ensure ")
    assert not title.endswith(".")


def test_the_groups_are_sections_as_in_cis_benchmarks() -> None:
    groups = ElementTree.parse(LINUX).iter(f"{XCCDF}Group")
    assert [group.findtext(f"{XCCDF}title") for group in groups] == [
        "Filesystem configuration",
        "Kernel parameters",
        "Network parameters (host only)",
        "Cron configuration",
        "SSH server configuration",
        "User accounts and environment",
        "System file permissions",
        "User and group settings",
    ]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("id").split("_rule_")[1])
def test_every_fix_is_a_script_that_the_shell_understands(rule: ElementTree.Element) -> None:
    fix = rule.find(f"{XCCDF}fix")
    assert fix is not None
    subprocess.run(["sh", "-n"], input="".join(fix.itertext()), text=True, check=True)


@pytest.mark.oscap
def test_on_this_host_every_rule_gives_a_verdict(tmp_path: Path) -> None:
    done = evaluate(LINUX, STANDARD, tmp_path)
    assert done.exit_code in {0, 2}, done.stderr
    assert len(done.verdicts) == len(rules()) >= 12
    assert set(done.verdicts.values()) <= {"pass", "fail", "notapplicable"}


@pytest.mark.oscap
def test_the_kernel_rules_agree_with_the_kernel(tmp_path: Path) -> None:
    def running(name: str) -> str:
        return Path("/proc/sys", name).read_text().strip()

    verdicts = evaluate(LINUX, STANDARD, tmp_path).verdicts
    links = {running("fs/protected_symlinks"), running("fs/protected_hardlinks")}
    expected = {
        "sysctl_randomize_va_space": running("kernel/randomize_va_space") == "2",
        "sysctl_protected_links": links == {"1"},
        "sysctl_ip_forward": running("net/ipv4/ip_forward") == "0",
    }
    assert {rule: verdicts[rule] == "pass" for rule in KERNEL} == expected


@pytest.mark.oscap
@pytest.mark.parametrize(
    ("rule", "setting"),
    [("randomize_va_space", "kernel/randomize_va_space"), ("ip_forward", "net/ipv4/ip_forward")],
)
def test_the_expected_value_decides_a_kernel_rule(tmp_path: Path, rule: str, setting: str) -> None:
    is_now = int(Path("/proc/sys", setting).read_text())
    for expected, verdict in [(is_now, "pass"), (is_now + 1, "fail")]:
        values = {f"{ID}value_{rule}": str(expected)}
        assert (
            evaluate(LINUX, STANDARD, tmp_path, values=values).verdicts[f"sysctl_{rule}"] == verdict
        )


@needs_root
@pytest.mark.oscap
def test_a_sound_host_passes(sound: Path, tmp_path: Path) -> None:
    verdicts = evaluate(LINUX, STANDARD, tmp_path, root=sound).verdicts
    assert {rule for rule, word in verdicts.items() if word != "pass"} <= KERNEL


@needs_root
@pytest.mark.oscap
@pytest.mark.parametrize(("rule", "broken"), BREAKS)
def test_one_broken_thing_fails_its_rule_alone_with_evidence(
    sound: Path, tmp_path: Path, rule: str, broken: Callable[[Path], None]
) -> None:
    broken(sound)
    done = evaluate(LINUX, STANDARD, tmp_path, root=sound)
    assert done.exit_code == 2
    assert {name for name, word in done.verdicts.items() if word == "fail"} == {rule}
    evidence = [
        items
        for name, (word, items) in done.tests.items()
        if word == "false" and "platform" not in name
    ]
    assert len(evidence) == 1
    assert evidence[0] >= 1 or "removed" in broken.__qualname__


def test_every_file_rule_is_broken_at_least_once() -> None:
    every_rule = {rule.get("id", "").split("_rule_")[1] for rule in rules()}
    assert {rule for rule, _ in BREAKS} | KERNEL == every_rule


@needs_root
@pytest.mark.oscap
@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ("sshd_permit_root_login", removed("etc/ssh/sshd_config")),
        ("sshd_permit_empty_passwords", removed("etc/ssh/sshd_config")),
        ("shadow_permissions", removed("etc/shadow")),
        ("no_empty_passwords", removed("etc/shadow")),
        ("pass_max_days", removed("etc/login.defs")),
        ("umask", removed("etc/login.defs")),
        ("tmp_mount_options", removed("etc/mtab", "proc/mounts")),
        ("cron_permissions", removed("etc/crontab", "etc/cron.d")),
    ],
)
def test_a_rule_without_a_subject_is_not_applicable(
    sound: Path, tmp_path: Path, rule: str, gone: Callable[[Path], None]
) -> None:
    gone(sound)
    assert evaluate(LINUX, STANDARD, tmp_path, root=sound).verdicts[rule] == "notapplicable"


@needs_root
@pytest.mark.oscap
def test_the_strict_profile_asks_for_more(sound: Path, tmp_path: Path) -> None:
    verdicts = evaluate(LINUX, STRICT, tmp_path, root=sound).verdicts
    failed = {rule for rule, word in verdicts.items() if word == "fail"}
    assert failed - KERNEL == {"pass_max_days", "umask", "sshd_permit_root_login"}


@needs_root
@pytest.mark.oscap
def test_no_password_hash_is_shown_as_evidence(sound: Path, tmp_path: Path) -> None:
    appended("etc/shadow", "other:$y$j9T$SECRETHASH:20000:0:99999:7:::")(sound)
    appended("etc/shadow", "guest::20000:0:99999:7:::")(sound)
    evaluate(LINUX, STANDARD, tmp_path, root=sound)
    evidence = (tmp_path / "arf.xml").read_text()
    assert "guest" in evidence
    assert "SECRETHASH" not in evidence
