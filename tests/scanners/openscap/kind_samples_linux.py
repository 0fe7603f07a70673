"""A failing test of every kind that is of Linux alone, with the sentence that explains it."""

from tests.scanners.openscap.scap_samples import Test

LINUX_KINDS: dict[str, tuple[Test, str]] = {
    "dpkginfo": (
        Test("dpkginfo", "<name>aide</name>", existence="all_exist"),
        "package aide is not installed, expected to be installed",
    ),
    "dpkginfo forbidden": (
        Test(
            "dpkginfo",
            "<name>telnetd</name>",
            existence="none_exist",
            items=[
                ("not evaluated", "<name>telnetd</name><version>0.17</version><evr>0:0.17-1</evr>")
            ],
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
            '<name operation="pattern match">.*</name><filepath operation="pattern match">^/bin/.*'
            "</filepath>",
            existence="none_exist",
            item="rpmverifyfile",
            items=[
                (
                    "not evaluated",
                    (
                        "<name>coreutils</name><filepath>/bin/ls</filepath><mode_differs>fail"
                        "</mode_differs>"
                        "<size_differs>pass</size_differs>"
                    ),
                )
            ],
        ),
        "found /bin/ls of package coreutils: mode differs; expected no",
    ),
    "partition": (
        Test("partition", "<mount_point>/tmp</mount_point>", existence="all_exist"),
        "mount point /tmp is not a separate partition, expected to be a separate partition",
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
        "mount point /tmp: mount options are rw, nosuid, expected to include noexec",
    ),
    "systemdunitproperty": (
        Test(
            "systemdunitproperty",
            "<unit>sshd.service</unit><property>ActiveState</property>",
            "<value>inactive</value>",
            [
                (
                    "false",
                    (
                        "<unit>sshd.service</unit><property>ActiveState</property><value>active"
                        "</value>"
                    ),
                )
            ],
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
        (
            "dependencies of unit multi-user.target are cron.service, expected to include "
            "auditd.service"
        ),
    ),
    "selinuxboolean": (
        Test(
            "selinuxboolean",
            "<name>deny_execmem</name>",
            "<current_status>true</current_status>",
            [("false", "<name>deny_execmem</name><current_status>false</current_status>")],
        ),
        "SELinux boolean deny_execmem: current state is false, expected true",
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
    "inetlisteningserver": (
        Test(
            "inetlisteningserver",
            "<protocol>tcp</protocol><local_address>0.0.0.0</local_address><local_port>23"
            "</local_port>",
            existence="none_exist",
            items=[
                (
                    "not evaluated",
                    (
                        "<protocol>tcp</protocol><local_full_address>0.0.0.0:23"
                        "</local_full_address>"
                        "<program_name>in.telnetd</program_name><pid>99</pid><user_id>0</user_id>"
                    ),
                )
            ],
        ),
        (
            "found in.telnetd listening on 0.0.0.0:23 (tcp): user 0 (root), pid 99; expected no "
            "listening server"
        ),
    ),
}
