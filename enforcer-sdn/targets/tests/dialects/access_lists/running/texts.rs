//! Configurations as devices show them: the texts of the tests beside.

pub const IOS: &str = "\
Building configuration...

Current configuration : 4242 bytes
!
! Last configuration change at 10:00:00 UTC Mon Nov 2 2026
!
version 17.9
service timestamps debug datetime msec
no service pad
hostname press-1
!
boot-start-marker
boot-end-marker
!
vrf definition Mgmt
 !
 address-family ipv4
 exit-address-family
!
enable secret 9 xyz
!
aaa new-model
aaa authentication login default local
!
ip domain name plant.example
!
crypto pki certificate chain SELF
 certificate self-signed 01
  30820330 30820218
  \tquit
!
object-group network CELLS
 description presses
 10.1.0.0 255.255.0.0
 host 10.2.0.9
!
class-map match-any VOICE
 match access-group name QOS
policy-map MARK
 class VOICE
  set dscp ef
!
interface GigabitEthernet1/0/1
 description ip access-group nothing in
 switchport
 switchport mode access
 switchport access vlan 10
 spanning-tree portfast
!
interface Vlan10
 ip address 10.1.0.1 255.255.0.0
 ip access-group CELL in
 ip helper-address 10.9.0.1
 ip ospf 1 area 0
!
interface Vlan99
 no ip address
 shutdown
!
router ospf 1
 network 10.0.0.0 0.255.255.255 area 0
 distribute-list 10 in
!
ip route 0.0.0.0 0.0.0.0 10.1.0.254
!
ip access-list standard VTY
 permit 10.9.0.0 0.0.255.255
ip access-list extended CELL
 10 remark presses may ask the historian
 20 permit tcp object-group CELLS host 192.0.2.10 eq 1433
 30 permit udp object-group CELLS any eq ntp
 40 deny ip any any
ip access-list extended QOS
 permit udp any any dscp ef
access-list 10 permit 10.0.0.0 0.255.255.255
!
route-map X permit 10
 match ip address 10
!
snmp-server community public RO 10
!
banner motd ^C
 ip access-group CELL out
 keep out
^C
!
line vty 0 4
 access-class VTY in
 transport input ssh
!
ntp server 10.9.0.2
end
";

pub const NXOS: &str = "\
!Command: show running-config
version 9.3(8) Bios:version 07.69
hostname leaf-1
feature ospf
vlan 1,10
vlan 10
  name presses
object-group ip address CELLS
  10 10.1.0.0/16
  20 host 10.2.0.9
ip access-list COPP
  10 permit tcp any any eq bgp packet-length gt 100
ip access-list CELL
  statistics per-entry
  20 permit tcp addrgroup CELLS 192.0.2.10/32 eq 1433
  30 permit udp addrgroup CELLS any eq ntp
  40 deny ip any any
class-map type control-plane match-any copp-x
  match access-group name COPP
control-plane
  service-policy input copp-x
vrf context management
  ip route 0.0.0.0/0 10.9.0.254
interface Vlan10
  no shutdown
  ip address 10.1.0.1/16
  ip access-group CELL in
interface Ethernet1/1
  switchport
  switchport access vlan 10
interface mgmt0
  vrf member management
  ip address 10.9.0.1/24
line vty
  access-class COPP in
boot nxos bootflash:/nxos.bin
router ospf 1
";

pub const EOS: &str = "\
! Command: show running-config
! device: leaf-1 (DCS-7050, EOS-4.28)
!
transceiver qsfp default-mode 4x10G
!
hostname leaf-1
!
spanning-tree mode mstp
!
vlan 10
   name presses
!
interface Ethernet1
   description press
   switchport access vlan 10
!
interface Vlan10
   ip address 10.1.0.1/16
   ip access-group CELL in
!
ip access-list standard VTY
   10 permit 10.9.0.0/16
!
ip access-list CELL
   counters per-entry
   20 permit tcp 10.1.0.0/16 host 192.0.2.10 eq 1433
   21 permit tcp host 10.2.0.9 host 192.0.2.10 eq 1433
   30 permit udp 10.1.0.0/16 any eq ntp
   31 permit udp host 10.2.0.9 any eq ntp
   40 deny ip any any
!
ip routing
!
management ssh
   ip access-group VTY in
!
banner login
 ip access-group CELL out
EOF
!
end
";

pub const AOSCX: &str = "\
!
!Version ArubaOS-CX FL.10.10
hostname access-1
user admin group administrators password plaintext x
ntp server 10.9.0.2
ssh server vrf mgmt
object-group ip address CELLS
    10 10.1.0.0/255.255.0.0
    20 10.2.0.9
access-list ip MGMT
    10 permit tcp 10.9.0.0/255.255.0.0 any eq 22 ttl 3
access-list ip CELL
    20 permit tcp CELLS 192.0.2.10 eq 1433 count
    30 permit udp CELLS any eq 123
    40 deny any any any
vlan 1
vlan 10
    name presses
    apply access-list ip CELL in
interface 1/1/1
    no shutdown
    no routing
    vlan access 10
interface vlan 10
    ip address 10.1.0.1/16
apply access-list ip MGMT control-plane vrf default
https-server vrf mgmt
";

pub const ASA: &str = "\
: Saved
:
ASA Version 9.16(3)
!
hostname edge
domain-name plant.example
names
!
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address 198.51.100.1 255.255.255.0
!
interface GigabitEthernet0/1
 nameif cells
 security-level 50
 ip address 10.1.0.1 255.255.0.0
!
clock timezone UTC 0
object network press
 host 10.2.0.9
object-group network CELLS
 network-object 10.1.0.0 255.255.0.0
 network-object object press
access-list SPLIT standard permit 10.0.0.0 255.0.0.0
access-list CELL remark presses may ask the historian
access-list CELL extended permit tcp object-group CELLS host 192.0.2.10 eq 1433
access-list CELL extended permit udp object-group CELLS any4 eq ntp
access-list CELL extended deny ip any4 any4 log disable
access-list CELL extended permit ip any any
pager lines 24
mtu outside 1500
no failover
access-group CELL in interface cells
route outside 0.0.0.0 0.0.0.0 198.51.100.254 1
timeout xlate 3:00:00
aaa authentication ssh console LOCAL
class-map inspection_default
 match default-inspection-traffic
policy-map global_policy
 class inspection_default
  inspect dns
Cryptochecksum:1234
: end
";

pub const VACL: &str = "\
version 15.2
hostname press-1
vtp mode off
ip access-list extended CELL
 permit tcp 10.1.0.0 0.0.255.255 host 192.0.2.10 eq 1433
 permit tcp host 10.2.0.9 host 192.0.2.10 eq 1433
 permit udp 10.1.0.0 0.0.255.255 any eq ntp
 permit udp host 10.2.0.9 any eq ntp
ip access-list extended VTY
 deny tcp host 10.9.9.9 any
 permit tcp any any log
vlan access-map OTHER 10
 match ip address VTY
 action drop
vlan access-map CELLS 10
 match ip address CELL
 action forward
vlan filter CELLS vlan-list 10
vlan 10
 name presses
interface Vlan10
 ip address 10.1.0.1 255.255.0.0
line vty 0 4
 access-class VTY in
end
";

/// Each with its dialect, and a line of its own behind which others may be put.
pub const ALL_TEXTS: &[(&str, &str, &str)] = &[
    ("cisco-ios", IOS, " ip helper-address 10.9.0.1\n"),
    ("cisco-nxos", NXOS, "  ip address 10.1.0.1/16\n"),
    ("arista-eos", EOS, "   ip address 10.1.0.1/16\n"),
    ("aruba-aoscx", AOSCX, "    vlan access 10\n"),
    ("cisco-asa", ASA, " security-level 50\n"),
    ("cisco-vacl", VACL, " ip address 10.1.0.1 255.255.0.0\n"),
];
