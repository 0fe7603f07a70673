"""Masks secrets in commands, statements and lines that have no name before the secret. Pure.

`mysql -pSECRET`, `IDENTIFIED BY 'SECRET'`, `neighbor 192.0.2.1 password SECRET`.
"""

import re

_QUOTED_OR_WORD = r"""("[^"\n]*"|'[^'\n]*'|[^\s;"']+)"""
_COMMANDS = {
    "sshpass": r"((?<!\S)-p\s*)",
    "mysql": r"((?-i:(?<!\S)-p))",
    "mariadb": r"((?-i:(?<!\S)-p))",
    "curl": r"""((?<!\S)(?:-u|--user|--proxy-user)[ =]*["']?[^\s:"']+:(?!//))""",
    "smbclient": r"((?<!\S)-U\s*[^\s%]+%)",
    "ldap": r"(\bldap(?:search|add|modify|modrdn|delete|compare|whoami|passwd)\b[^\n|;]*?\s-w\s+)",
    # In a rule of auditd `-p` stands for permissions.
    "useradd": r"(\buseradd\b[^\n|;]*?\s-p\s+(?![rwxa]{1,4}(?:\s|$)))",
    "usermod": r"(\busermod\b[^\n|;]*?\s-p\s+(?![rwxa]{1,4}(?:\s|$)))",
    "chpasswd": r"""((?<![\w.-])[a-z_][\w.-]*:)""",
    "identified": r"(\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?)",
    "password": r"""(\bpassword\s+(?:is\s+|for\s+\S+\s*[=:]?\s*)?(?=["']))""",
    "bindpw": r"(\bbindpw\s+(?![=:]))",
    "requirepass": r"(\brequirepass\s+(?![=:]))",
    "login": r"(\blogin\s+\S+\s+password\s+)",
    "psk": r"""(\bpsk\s+(?=["'0]))""",
    "authorization": r"(\bauthorization:\s*(?:basic|bearer|token|digest|apikey|negotiate)\s+)",
    "cookie": r"(\b(?:set-)?cookie:\s*[\w.-]+=)",
    "neighbor": r"(\bneighbor\s+\S+\s+password\s+(?:\d\s+)?)",
    "username": r"(\busername\s+\S+\s+(?:password|secret)\s+(?:\d\s+)?)",
    "enable": r"(\benable\s+(?:secret|password)\s+(?=\S*\d)(?:\d\s+)?)",
    "snmp-server": r"(\bcommunity\s+)",
    "com2sec": r"(^[ \t]*com2sec6?\s+(?:-Cn\s+\S+\s+)?\S+\s+\S+\s+)",
    "sink": r"(^[ \t]*(?:trap2?|inform)sink\s+\S+\s+)",
    "createuser": r"(\s(?:MD5|SHA(?:-?\d+)?|AES(?:-?\d+)?|DES)\s+)",
    # Postfix: `[smtp.example.com]:587 user:SECRET`.
    "]": r"(^\[[\w.-]+\](?::\w+)?[ \t]+[^\s:]+:)",
}
"""The text before the secret, by a word that every such line has: most texts have none of them."""
_COMMAND_SECRETS = {
    text: re.compile(before + _QUOTED_OR_WORD, re.IGNORECASE | re.MULTILINE)
    for text, before in _COMMANDS.items()
}


def masked_commands(text: str, mask: str) -> str:
    """The text with the secrets of the commands in it replaced."""
    lower = text.lower()
    for word, pattern in _COMMAND_SECRETS.items():
        if word in lower:
            text = pattern.sub(rf"\1{mask}", text)
    return text
