"""The kinds of OVAL tests in an administrator's words: what each looks for, and what it finds. Pure.

Templates name the fields of objects and items; a kind that is not listed is told by its fields' own names.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`noun` describes what was looked for, from the object's fields; `subject` one thing found, from an item's.

    In templates `{a|b}` is the first field that is there, and a part in brackets goes where one of its fields is
    missing. `{file}` is the place of a file however it is given, `{a_file}` the same as a noun.
    """

    unit: str
    noun: str
    subject: str
    present: str = "present"
    detail: str = ""
    """What else tells of a thing found, where no field of it was demanded."""
    named: str | None = None
    """The field that the subject already names: `subject is value`."""
    named_by: str | None = None
    """The object's field that names what `named` holds: the property of a unit."""


KINDS: Mapping[str, Kind] = {
    "file": Kind(
        "file",
        "{a_file}",
        "{file}",
        "there",
        "[type {type}, ]mode {mode}, owner {user_id}, group {group_id}",
    ),
    "textfilecontent54": Kind("line", "{file}", "{file}", "there", "{text}", "subexpression"),
    "textfilecontent": Kind("line", "{file}", "{file}", "there", "{text}", "subexpression"),
    "sysctl": Kind(
        "value", "kernel parameter {name}", "kernel parameter {name}", "set", "{value}", "value"
    ),
    "dpkginfo": Kind(
        "package", "package {name}", "package {name}", "installed", "version {evr|version}"
    ),
    "rpminfo": Kind(
        "package",
        "package {name}",
        "package {name}",
        "installed",
        "version {evr|version}[ ({arch})]",
    ),
    "rpmverifyfile": Kind(
        "file",
        "file {filepath} of package {name}",
        "{filepath} of package {name}",
        "different from its package",
        "{differences}",
    ),
    "rpmverifypackage": Kind(
        "package", "package {name}", "package {name}", "verified", "{differences}"
    ),
    "rpmverify": Kind(
        "file", "file {filepath} of package {name}", "{filepath}", "verified", "{differences}"
    ),
    "partition": Kind(
        "mount",
        "mount point {mount_point}",
        "mount point {mount_point}",
        "a partition of its own",
        "{device}[, {fs_type}][, options {mount_options}]",
    ),
    "password": Kind(
        "account",
        "account {username}",
        "account {username}",
        "there",
        "uid {user_id}[, home {home_dir}]",
    ),
    "shadow": Kind(
        "account", "shadow entry of {username}", "account {username}", "there", "in /etc/shadow"
    ),
    "systemdunitproperty": Kind(
        "unit",
        "{property} of unit {unit}",
        "unit {unit}: {property}",
        "set",
        "{value}",
        "value",
        "property",
    ),
    "systemdunitdependency": Kind(
        "unit",
        "dependencies of unit {unit}",
        "dependencies of unit {unit}",
        "there",
        "{dependency}",
        "dependency",
    ),
    "selinuxboolean": Kind(
        "boolean",
        "SELinux boolean {name}",
        "SELinux boolean {name}",
        "there",
        "now {current_status}, after a restart {pending_status}",
    ),
    "selinuxsecuritycontext": Kind(
        "context",
        "SELinux context of {file|pid}",
        "SELinux context of {file|pid}",
        "there",
        "[user {user}, ][role {role}, ]type {type}",
    ),
    "variable": Kind("value", "{var_ref}", "{var_ref}", "set", "{value}", "value"),
    "environmentvariable": Kind(
        "variable",
        "environment variable {name}",
        "environment variable {name}",
        "set",
        "{value}",
        "value",
    ),
    "environmentvariable58": Kind(
        "variable",
        "environment variable {name}",
        "environment variable {name}[ of process {pid}]",
        "set",
        "{value}",
        "value",
    ),
    "interface": Kind(
        "interface",
        "network interface {name}",
        "network interface {name}",
        "there",
        "[address {inet_addr}, ][flags {flag}]",
    ),
    "inetlisteningserver": Kind(
        "server",
        "listening server[ {protocol}][ on {local_address}][ port {local_port}]",
        "[{program_name} ]listening on {local_full_address|local_address}[ ({protocol})]",
        "there",
        "[user {user_id}][, pid {pid}]",
    ),
    "inetlisteningservers": Kind(
        "server",
        "listening server[ {protocol}][ on {local_address}][ port {local_port}]",
        "[{program_name} ]listening on {local_full_address|local_address}[ ({protocol})]",
        "there",
        "[user {user_id}][, pid {pid}]",
    ),
    "iflisteners": Kind(
        "listener",
        "listener on interface {interface_name}",
        "{program_name} on {interface_name}",
        "there",
        "",
    ),
    "uname": Kind(
        "system", "this system", "this system", "known", "{os_name} {os_release} on {machine_class}"
    ),
    "symlink": Kind(
        "link",
        "symbolic link {filepath}",
        "symbolic link {filepath}",
        "there",
        "to {canonical_path}",
    ),
    "xmlfilecontent": Kind(
        "value",
        "{file}: {xpath}",
        "{file}: {xpath}",
        "there",
        "{value_of}",
        "value_of",
    ),
    "yamlfilecontent": Kind(
        "value",
        "{file}: {yamlpath}",
        "{file}: {yamlpath}",
        "there",
        "{value}",
        "value",
    ),
    "process58": Kind(
        "process",
        "process {command_line|pid}",
        "process {command_line|exec_shield|pid}",
        "running",
        "[pid {pid}][, user {user_id}]",
    ),
    "process": Kind("process", "process {command}", "process {command}", "running", "[pid {pid}]"),
    "family": Kind(
        "system",
        "the family of this system",
        "the family of this system",
        "known",
        "{family}",
        "family",
    ),
    "runlevel": Kind(
        "service",
        "service {service_name} in runlevel {runlevel}",
        "service {service_name} in runlevel {runlevel}",
        "set",
        "[start {start}][, kill {kill}]",
    ),
    "xinetd": Kind(
        "service",
        "xinetd service {service_name}",
        "xinetd service {service_name}",
        "there",
        "disabled {disabled}",
    ),
    "routingtable": Kind(
        "route", "route to {destination}", "route to {destination}", "there", "[via {gateway}]"
    ),
    "gconf": Kind("key", "GConf key {key}", "GConf key {key}", "set", "{value}", "value"),
    "filehash58": Kind(
        "file",
        "{hash_type} digest of {file}",
        "{hash_type} digest of {file}",
        "there",
        "{hash}",
        "hash",
    ),
    "fileextendedattribute": Kind(
        "attribute",
        "extended attribute {attribute_name} of {file}",
        "extended attribute {attribute_name} of {file}",
        "set",
        "{value}",
        "value",
    ),
}

LABELS = {
    "user_id": "owner",
    "group_id": "group",
    "evr": "version",
    "os_release": "kernel release",
    "processor_type": "processor",
    "machine_class": "machine",
    "mount_options": "mount options",
    "fs_type": "file system",
    "chg_lst": "last password change",
    "chg_allow": "minimum password age (days)",
    "chg_req": "maximum password age (days)",
    "exp_warn": "password expiry warning (days)",
    "exp_inact": "inactivity before locking (days)",
    "exp_date": "account expiry",
    "encrypt_method": "password hash method",
    "login_shell": "login shell",
    "home_dir": "home directory",
    "gcos": "comment",
    "current_status": "present state",
    "pending_status": "state after a restart",
    "flag": "flags",
    "canonical_path": "target",
    "loginuid": "login uid",
    "text": "line",
    "c_time": "time of status change",
    "m_time": "time of modification",
    "a_time": "time of access",
    "has_extended_acl": "extended ACL",
}
_ACCOUNT_LABELS = {"user_id": "uid", "group_id": "gid"}


def label(kind: str, name: str) -> str:
    """A field's name in words."""
    if kind in ("password", "shadow") and name in _ACCOUNT_LABELS:
        return _ACCOUNT_LABELS[name]
    return LABELS.get(name, name.replace("_", " "))
