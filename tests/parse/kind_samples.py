"""A failing test of every kind that security content uses, with the sentence it is told by."""

from tests.parse.scap_samples import Test

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

KINDS: dict[str, tuple[Test, str]] = {
    "file": (
        Test(
            "file",
            "<filepath>/etc/shadow</filepath>",
            '<gwrite datatype="boolean">false</gwrite><oread datatype="boolean">false</oread>'
            '<user_id datatype="int">0</user_id>',
            [
                (
                    "false",
                    f"<filepath>/etc/shadow</filepath><user_id>0</user_id><group_id>42</group_id>{_MODE}",
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
        "file /etc/cron.allow is not there, expected there",
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
    "dpkginfo": (
        Test("dpkginfo", "<name>aide</name>", existence="all_exist"),
        "package aide is not installed, expected installed",
    ),
    "dpkginfo forbidden": (
        Test(
            "dpkginfo",
            "<name>telnetd</name>",
            existence="none_exist",
            items=[("not evaluated", "<name>telnetd</name><version>0.17</version><evr>0:0.17-1</evr>")],
        ),
        "found package telnetd: version 0:0.17-1; expected no package telnetd",
    ),
    "rpminfo": (
        Test(
            "rpminfo",
            "<name>openssl</name>",
            '<evr datatype="evr_string" operation="greater than or equal">0:3.0.7-1</evr>',
            [("false", "<name>openssl</name><arch>x86_64</arch><evr>0:3.0.1-5</evr>")],
        ),
        "package openssl: version is 0:3.0.1-5, expected at least 0:3.0.7-1",
    ),
    "rpmverifyfile": (
        Test(
            "rpmverifyfile",
            '<name operation="pattern match">.*</name><filepath operation="pattern match">^/bin/.*</filepath>',
            existence="none_exist",
            item="rpmverifyfile",
            items=[
                (
                    "not evaluated",
                    (
                        "<name>coreutils</name><filepath>/bin/ls</filepath><mode_differs>fail</mode_differs>"
                        "<size_differs>pass</size_differs>"
                    ),
                )
            ],
        ),
        "found /bin/ls of package coreutils: mode differs; expected no",
    ),
    "partition": (
        Test("partition", "<mount_point>/tmp</mount_point>", existence="all_exist"),
        "mount point /tmp is not a partition of its own, expected a partition of its own",
    ),
    "partition options": (
        Test(
            "partition",
            "<mount_point>/tmp</mount_point>",
            '<mount_options entity_check="at least one">noexec</mount_options>',
            [
                (
                    "false",
                    (
                        "<mount_point>/tmp</mount_point><device>/dev/sda2</device>"
                        "<mount_options>rw</mount_options><mount_options>nosuid</mount_options>"
                    ),
                )
            ],
        ),
        "mount point /tmp: mount options is rw, nosuid, expected at least one noexec",
    ),
    "password": (
        Test(
            "password",
            '<username operation="pattern match">.*</username>',
            "<password>x</password>",
            [("false", "<username>joe</username><password>AbCdEf12345</password><user_id>1001</user_id>")],
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
                    "<username>root</username><password>$6$a$bcdefghij</password><chg_req>99999</chg_req>",
                )
            ],
        ),
        "account root: maximum password age (days) is 99999, expected at most 365",
    ),
    "systemdunitproperty": (
        Test(
            "systemdunitproperty",
            "<unit>sshd.service</unit><property>ActiveState</property>",
            "<value>inactive</value>",
            [("false", "<unit>sshd.service</unit><property>ActiveState</property><value>active</value>")],
        ),
        "unit sshd.service: ActiveState is active, expected inactive",
    ),
    "systemdunitdependency": (
        Test(
            "systemdunitdependency",
            "<unit>multi-user.target</unit>",
            '<dependency entity_check="at least one">auditd.service</dependency>',
            [("false", "<unit>multi-user.target</unit><dependency>cron.service</dependency>")],
        ),
        "dependencies of unit multi-user.target is cron.service, expected at least one auditd.service",
    ),
    "selinuxboolean": (
        Test(
            "selinuxboolean",
            "<name>deny_execmem</name>",
            "<current_status>true</current_status>",
            [("false", "<name>deny_execmem</name><current_status>false</current_status>")],
        ),
        "SELinux boolean deny_execmem: present state is false, expected true",
    ),
    "selinuxsecuritycontext": (
        Test(
            "selinuxsecuritycontext",
            "<filepath>/dev/x</filepath>",
            '<type operation="not equal">device_t</type>',
            [("false", "<filepath>/dev/x</filepath><type>device_t</type>")],
        ),
        "SELinux context of /dev/x: type is device_t, expected anything but device_t",
    ),
    "variable": (
        Test(
            "variable",
            "<var_ref>oval:x-umask:var:1</var_ref>",
            '<value datatype="int" operation="bitwise and">63</value>',
            [("false", "<var_ref>oval:x-umask:var:1</var_ref><value>18</value>")],
            definitions='<local_variable id="oval:x-umask:var:1" comment="the umask of /etc/profile"/>',
        ),
        "the umask of /etc/profile is 18, expected all bits of 63",
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
        "found environment variable PATH of process 7: /bin:.; expected environment variable PATH: matching [:.]$",
    ),
    "interface": (
        Test(
            "interface",
            '<name operation="pattern match">^.*$</name>',
            '<flag entity_check="none satisfy">PROMISC</flag>',
            [("false", "<name>eth0</name><flag>UP</flag><flag>PROMISC</flag>")],
        ),
        "network interface eth0: flags is UP, PROMISC, expected none PROMISC",
    ),
    "inetlisteningserver": (
        Test(
            "inetlisteningserver",
            "<protocol>tcp</protocol><local_address>0.0.0.0</local_address><local_port>23</local_port>",
            existence="none_exist",
            items=[
                (
                    "not evaluated",
                    (
                        "<protocol>tcp</protocol><local_full_address>0.0.0.0:23</local_full_address>"
                        "<program_name>in.telnetd</program_name><pid>99</pid><user_id>0</user_id>"
                    ),
                )
            ],
        ),
        "found in.telnetd listening on 0.0.0.0:23 (tcp): user 0, pid 99; expected no listening server",
    ),
    "uname": (
        Test(
            "uname",
            "",
            "<processor_type>x86_64</processor_type>",
            [("false", "<machine_class>i686</machine_class><processor_type>i686</processor_type>")],
        ),
        "this system: processor is i686, expected x86_64",
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
            [("false", "<filepath>/etc/a.xml</filepath><xpath>/a/b/text()</xpath><value_of>off</value_of>")],
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
            [("false", "<command_line>/usr/sbin/xd -f</command_line><pid>5</pid><user_id>0</user_id>")],
        ),
        "process /usr/sbin/xd -f: owner is 0, expected 1",
    ),
    "family": (
        Test("family", "", "<family>unix</family>", [("false", "<family>windows</family>")]),
        "the family of this system is windows, expected unix",
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
