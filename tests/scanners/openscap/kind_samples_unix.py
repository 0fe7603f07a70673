"""A failing test of every kind that any system has, with the sentence that explains it."""

from tests.scanners.openscap.scap_samples import Test

_MODE = "".join(
    f"<{name}>{value}</{name}>"
    for name, value in {
        "suid": "false",
        "sgid": "false",
        "sticky": "false",
        "uread": "true",
        "uwrite": "true",
        "uexec": "false",
        "gread": "true",
        "gwrite": "true",
        "gexec": "false",
        "oread": "true",
        "owrite": "false",
        "oexec": "false",
    }.items()
)

UNIX_KINDS: dict[str, tuple[Test, str]] = {
    "file": (
        Test(
            "file",
            "<filepath>/etc/shadow</filepath>",
            '<gwrite datatype="boolean">false</gwrite><oread datatype="boolean">false</oread>'
            '<user_id datatype="int">0</user_id>',
            [
                (
                    "false",
                    (
                        "<filepath>/etc/shadow</filepath><user_id>0</user_id>"
                        f"<group_id>42</group_id>{_MODE}"
                    ),
                )
            ],
        ),
        "/etc/shadow: mode is 0664, expected without write for group, read for others",
    ),
    "file owner": (
        Test(
            "file",
            "<path>/etc</path><filename>shadow</filename>",
            '<user_id datatype="int">0</user_id>',
            [("false", "<path>/etc</path><filename>shadow</filename><user_id>1000</user_id>")],
        ),
        "/etc/shadow: owner is 1000, expected 0",
    ),
    "file missing": (
        Test("file", "<filepath>/etc/cron.allow</filepath>"),
        "file /etc/cron.allow is not present, expected to be present",
    ),
    "sysctl": (
        Test(
            "sysctl",
            "<name>net.ipv4.ip_forward</name>",
            '<value datatype="int" operation="equals">0</value>',
            [("false", "<name>net.ipv4.ip_forward</name><value>1</value>")],
        ),
        "kernel parameter net.ipv4.ip_forward is 1, expected 0",
    ),
    "password": (
        Test(
            "password",
            '<username operation="pattern match">.*</username>',
            "<password>x</password>",
            [
                (
                    "false",
                    (
                        "<username>joe</username><password>AbCdEf12345</password><user_id>1001"
                        "</user_id>"
                    ),
                )
            ],
        ),
        "account joe: password is ********, expected x",
    ),
    "shadow": (
        Test(
            "shadow",
            "<username>root</username>",
            '<chg_req datatype="int" operation="less than or equal">365</chg_req>',
            [
                (
                    "false",
                    (
                        "<username>root</username><password>$6$a$bcdefghij</password><chg_req>99999"
                        "</chg_req>"
                    ),
                )
            ],
        ),
        "account root: maximum password age (days) is 99999, expected at most 365",
    ),
    "variable": (
        Test(
            "variable",
            "<var_ref>oval:x-umask:var:1</var_ref>",
            '<value datatype="int" operation="bitwise and">63</value>',
            [("false", "<var_ref>oval:x-umask:var:1</var_ref><value>18</value>")],
            definitions='<local_variable id="oval:x-umask:var:1" comment="the umask of '
            '/etc/profile"/>',
        ),
        "the umask of /etc/profile is 022 (decimal 18), expected all bits of 077 (decimal 63)",
    ),
    "environmentvariable": (
        Test(
            "environmentvariable",
            "<name>PATH</name>",
            '<value operation="equals">/bin</value>',
            [("false", "<name>PATH</name><value>/bin:.</value>")],
        ),
        "environment variable PATH is /bin:., expected /bin",
    ),
    "environmentvariable58": (
        Test(
            "environmentvariable58",
            "<pid/><name>PATH</name>",
            '<value operation="pattern match">[:.]$</value>',
            [("true", "<pid>7</pid><name>PATH</name><value>/bin:.</value>")],
            check="none satisfy",
        ),
        (
            "found environment variable PATH of process 7: /bin:.; expected environment variable "
            "PATH: a value matching [:.]$"
        ),
    ),
    "interface": (
        Test(
            "interface",
            '<name operation="pattern match">^.*$</name>',
            '<flag entity_check="none satisfy">PROMISC</flag>',
            [("false", "<name>eth0</name><flag>UP</flag><flag>PROMISC</flag>")],
        ),
        "network interface eth0: flags are UP, PROMISC, expected not to include PROMISC",
    ),
    "uname": (
        Test(
            "uname",
            "",
            "<processor_type>x86_64</processor_type>",
            [("false", "<machine_class>i686</machine_class><processor_type>i686</processor_type>")],
        ),
        "the system: processor is i686, expected x86_64",
    ),
    "symlink": (
        Test(
            "symlink",
            "<filepath>/etc/localtime</filepath>",
            "<canonical_path>/usr/share/zoneinfo/UTC</canonical_path>",
            [("false", "<filepath>/etc/localtime</filepath><canonical_path>/x</canonical_path>")],
        ),
        "symbolic link /etc/localtime: target is /x, expected /usr/share/zoneinfo/UTC",
    ),
    "xmlfilecontent": (
        Test(
            "xmlfilecontent",
            "<filepath>/etc/a.xml</filepath><xpath>/a/b/text()</xpath>",
            "<value_of>on</value_of>",
            [
                (
                    "false",
                    (
                        "<filepath>/etc/a.xml</filepath><xpath>/a/b/text()</xpath><value_of>off"
                        "</value_of>"
                    ),
                )
            ],
        ),
        "/etc/a.xml: /a/b/text() is off, expected on",
    ),
    "yamlfilecontent": (
        Test(
            "yamlfilecontent",
            "<filepath>/etc/a.yml</filepath><yamlpath>.a.b</yamlpath>",
            '<value datatype="record"><field name="#">false</field></value>',
            [
                (
                    "false",
                    (
                        "<filepath>/etc/a.yml</filepath><yamlpath>.a.b</yamlpath>"
                        '<value datatype="record"><field name="#">true</field></value>'
                    ),
                )
            ],
        ),
        "/etc/a.yml: .a.b is true, expected false",
    ),
    "process58": (
        Test(
            "process58",
            '<command_line operation="pattern match">^/usr/sbin/xd</command_line><pid/>',
            "<user_id>1</user_id>",
            [
                (
                    "false",
                    "<command_line>/usr/sbin/xd -f</command_line><pid>5</pid><user_id>0</user_id>",
                )
            ],
        ),
        "process /usr/sbin/xd -f: owner is 0 (root), expected 1",
    ),
    "family": (
        Test("family", "", "<family>unix</family>", [("false", "<family>windows</family>")]),
        "the operating system family is windows, expected unix",
    ),
    "a kind of the future": (
        Test(
            "quantum7",
            "<qubit>3</qubit>",
            "<spin>up</spin>",
            [("false", "<qubit>3</qubit><spin>down</spin>")],
        ),
        "quantum 7 with qubit 3, spin down: spin is down, expected up",
    ),
}
