"""The kinds of OVAL tests in plain text: what each looks for, and what it finds. Pure.

The templates name the fields of objects and items. A kind that is not listed is described by the
names of its fields.
"""

from collections.abc import Mapping

from schemas.records import Struct


class Kind(Struct, frozen=True, kw_only=True):
    """How tests of one kind are worded.

    In templates `{a|b}` is the first field that is there, and a part in brackets is left out where
    one of its fields is missing. `{file}` is the place of a file, whichever fields give it;
    `{a_file}` is the same with what it is: `file /etc/x`, `files in /etc`.
    """

    unit: str
    """What is counted: `at least one line`."""
    description: str
    """What is looked for, from the object's fields."""
    subject: str
    """One thing that was found, from an item's fields."""
    present: str = "present"
    """The state of a thing that was found: `package x is not installed`."""
    detail: str = ""
    """Further fields of an item, shown where no value was expected of a certain field."""
    subject_field: str | None = None
    """The field whose value follows the subject without the field's name: `subject is value`."""
    is_place: bool = False
    """Whether the description is only the place of files: `{a_file}` or `{file}`."""


def kind_of(name: str) -> Kind:
    """The kind of this name; of an unknown one nothing is known."""
    return _KINDS.get(name, _UNKNOWN)


_UNKNOWN = Kind(unit="item", description="", subject="")
_KINDS: Mapping[str, Kind] = {
    "file": Kind(
        unit="file",
        description="{a_file}",
        subject="{file}",
        detail="[type {type}, ]mode {mode}, owner {user_id}, group {group_id}",
        is_place=True,
    ),
    "textfilecontent54": Kind(
        unit="line",
        description="{file}",
        subject="{file}",
        detail="{text}",
        subject_field="subexpression",
        is_place=True,
    ),
    "textfilecontent": Kind(
        unit="line",
        description="{file}",
        subject="{file}",
        detail="{text}",
        subject_field="subexpression",
        is_place=True,
    ),
    "sysctl": Kind(
        unit="value",
        description="kernel parameter {name}",
        subject="kernel parameter {name}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "dpkginfo": Kind(
        unit="package",
        description="package {name}",
        subject="package {name}",
        present="installed",
        detail="version {evr|version}",
    ),
    "rpminfo": Kind(
        unit="package",
        description="package {name}",
        subject="package {name}",
        present="installed",
        detail="version {evr|version}[ ({arch})]",
    ),
    "rpmverifyfile": Kind(
        unit="file",
        description="file {filepath} of package {name}",
        subject="{filepath} of package {name}",
        present="different from its package",
        detail="{differences}",
    ),
    "rpmverifypackage": Kind(
        unit="package",
        description="package {name}",
        subject="package {name}",
        present="verified",
        detail="{differences}",
    ),
    "rpmverify": Kind(
        unit="file",
        description="file {filepath} of package {name}",
        subject="{filepath}",
        present="verified",
        detail="{differences}",
    ),
    "partition": Kind(
        unit="mount",
        description="mount point {mount_point}",
        subject="mount point {mount_point}",
        present="a separate partition",
        detail="{device}[, {fs_type}][, options {mount_options}]",
    ),
    "password": Kind(
        unit="account",
        description="account {username}",
        subject="account {username}",
        detail="uid {user_id}[, home {home_dir}]",
    ),
    "shadow": Kind(
        unit="account",
        description="shadow entry of {username}",
        subject="account {username}",
        detail="in /etc/shadow",
    ),
    "systemdunitproperty": Kind(
        unit="unit",
        description="{property} of unit {unit}",
        subject="unit {unit}: {property}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "systemdunitdependency": Kind(
        unit="unit",
        description="dependencies of unit {unit}",
        subject="dependencies of unit {unit}",
        detail="{dependency}",
        subject_field="dependency",
    ),
    "selinuxboolean": Kind(
        unit="boolean",
        description="SELinux boolean {name}",
        subject="SELinux boolean {name}",
        detail="current state {current_status}, state after a reboot {pending_status}",
    ),
    "selinuxsecuritycontext": Kind(
        unit="context",
        description="SELinux context of {file|pid}",
        subject="SELinux context of {file|pid}",
        detail="[user {user}, ][role {role}, ]type {type}",
    ),
    "variable": Kind(
        unit="value",
        description="{var_ref}",
        subject="{var_ref}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "environmentvariable": Kind(
        unit="variable",
        description="environment variable {name}",
        subject="environment variable {name}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "environmentvariable58": Kind(
        unit="variable",
        description="environment variable {name}",
        subject="environment variable {name}[ of process {pid}]",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "interface": Kind(
        unit="interface",
        description="network interface {name}",
        subject="network interface {name}",
        detail="[address {inet_addr}, ][flags {flag}]",
    ),
    "inetlisteningserver": Kind(
        unit="server",
        description="listening server[ {protocol}][ on {local_address}][ port {local_port}]",
        subject="[{program_name} ]listening on {local_full_address|local_address}[ ({protocol})]",
        detail="[user {user_id}][, pid {pid}]",
    ),
    "inetlisteningservers": Kind(
        unit="server",
        description="listening server[ {protocol}][ on {local_address}][ port {local_port}]",
        subject="[{program_name} ]listening on {local_full_address|local_address}[ ({protocol})]",
        detail="[user {user_id}][, pid {pid}]",
    ),
    "iflisteners": Kind(
        unit="listener",
        description="listener on interface {interface_name}",
        subject="{program_name} on {interface_name}",
    ),
    "uname": Kind(
        unit="system",
        description="the system",
        subject="the system",
        present="known",
        detail="{os_name} {os_release} on {machine_class}",
    ),
    "symlink": Kind(
        unit="link",
        description="symbolic link {filepath}",
        subject="symbolic link {filepath}",
        detail="to {canonical_path}",
    ),
    "xmlfilecontent": Kind(
        unit="value",
        description="{file}: {xpath}",
        subject="{file}: {xpath}",
        detail="{value_of}",
        subject_field="value_of",
    ),
    "yamlfilecontent": Kind(
        unit="value",
        description="{file}: {yamlpath}",
        subject="{file}: {yamlpath}",
        detail="{value}",
        subject_field="value",
    ),
    "process58": Kind(
        unit="process",
        description="process {command_line|pid}",
        subject="process {command_line|exec_shield|pid}",
        present="running",
        detail="[pid {pid}][, user {user_id}]",
    ),
    "process": Kind(
        unit="process",
        description="process {command}",
        subject="process {command}",
        present="running",
        detail="[pid {pid}]",
    ),
    "family": Kind(
        unit="system",
        description="the operating system family",
        subject="the operating system family",
        present="known",
        detail="{family}",
        subject_field="family",
    ),
    "runlevel": Kind(
        unit="service",
        description="service {service_name} in runlevel {runlevel}",
        subject="service {service_name} in runlevel {runlevel}",
        present="set",
        detail="[start {start}][, kill {kill}]",
    ),
    "xinetd": Kind(
        unit="service",
        description="xinetd service {service_name}",
        subject="xinetd service {service_name}",
        detail="disabled {disabled}",
    ),
    "routingtable": Kind(
        unit="route",
        description="route to {destination}",
        subject="route to {destination}",
        detail="[via {gateway}]",
    ),
    "gconf": Kind(
        unit="key",
        description="GConf key {key}",
        subject="GConf key {key}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
    "filehash58": Kind(
        unit="file",
        description="{hash_type} digest of {file}",
        subject="{hash_type} digest of {file}",
        detail="{hash}",
        subject_field="hash",
    ),
    "fileextendedattribute": Kind(
        unit="attribute",
        description="extended attribute {attribute_name} of {file}",
        subject="extended attribute {attribute_name} of {file}",
        present="set",
        detail="{value}",
        subject_field="value",
    ),
}
