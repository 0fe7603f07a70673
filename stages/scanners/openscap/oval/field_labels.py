"""The names of OVAL's fields in plain text. Pure."""

BOOKKEEPING = frozenset(("instance", "windows_view"))
"""Fields by which the scanner distinguishes its items: they require nothing of the host."""
_LABELS = {
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
    "current_status": "current state",
    "pending_status": "state after a reboot",
    "flag": "flags",
    "canonical_path": "target",
    "loginuid": "login uid",
    "text": "line",
    "c_time": "status change time",
    "m_time": "modification time",
    "a_time": "access time",
    "last_login": "last login",
    "instance": "number of the match",
    "has_extended_acl": "extended ACL",
}
"""The names of fields where OVAL's own name is not clear."""
_ACCOUNT_KINDS = frozenset(("password", "shadow"))
_ACCOUNT_LABELS = {"user_id": "uid", "group_id": "gid"}


def label(kind: str, name: str) -> str:
    """The name of a field in plain text."""
    if kind in _ACCOUNT_KINDS and name in _ACCOUNT_LABELS:
        return _ACCOUNT_LABELS[name]
    return _LABELS.get(name, name.replace("_", " "))
