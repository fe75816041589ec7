{
  "ietf-mud:mud": {
    "mud-version": 1,
    "mud-url": "https://cordon.invalid/cell",
    "last-update": "1970-01-01T00:00:00Z",
    "is-supported": true,
    "systeminfo": "cell, addresses: 198.51.100.0/28 2001:db8:2::/64",
    "from-device-policy": {"access-lists": {"access-list": [{"name": "cordon-v4fr"}, {"name": "cordon-v6fr"}]}},
    "to-device-policy": {"access-lists": {"access-list": [{"name": "cordon-v4to"}, {"name": "cordon-v6to"}]}}
  },
  "ietf-access-control-list:acls": {
    "acl": [
      {
        "name": "cordon-v4fr",
        "type": "ipv4-acl-type",
        "aces": {
          "ace": [
            {"name": "modbus-back_1", "matches": {"ipv4": {"protocol": 6, "destination-ipv4-network": "192.0.2.10/32"}, "tcp": {"source-port": {"operator": "eq", "port": 502}, "ietf-mud:direction-initiated": "to-device"}}, "actions": {"forwarding": "accept"}},
            {"name": "modbus-back_2", "matches": {"ipv4": {"protocol": 6, "destination-ipv4-network": "192.0.2.12/32"}, "tcp": {"source-port": {"operator": "eq", "port": 502}, "ietf-mud:direction-initiated": "to-device"}}, "actions": {"forwarding": "accept"}},
            {"name": "clock", "matches": {"ipv4": {"protocol": 17, "destination-ipv4-network": "203.0.113.123/32"}, "udp": {"destination-port": {"operator": "eq", "port": 123}}}, "actions": {"forwarding": "accept"}}
          ]
        }
      },
      {
        "name": "cordon-v6fr",
        "type": "ipv6-acl-type",
        "aces": {
          "ace": [
            {"name": "modbus-back", "matches": {"ipv6": {"protocol": 6, "destination-ipv6-network": "2001:db8:1::10/128"}, "tcp": {"source-port": {"operator": "eq", "port": 502}, "ietf-mud:direction-initiated": "to-device"}}, "actions": {"forwarding": "accept"}}
          ]
        }
      },
      {
        "name": "cordon-v4to",
        "type": "ipv4-acl-type",
        "aces": {
          "ace": [
            {"name": "modbus_1", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "192.0.2.10/32"}, "tcp": {"destination-port": {"operator": "eq", "port": 502}}}, "actions": {"forwarding": "accept"}},
            {"name": "modbus_2", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "192.0.2.12/32"}, "tcp": {"destination-port": {"operator": "eq", "port": 502}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_1", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "192.0.2.10/32"}, "tcp": {"destination-port": {"operator": "eq", "port": 80}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_2", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "192.0.2.10/32"}, "tcp": {"destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_3", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "192.0.2.10/32"}, "tcp": {"destination-port": {"lower-port": 4840, "upper-port": 4843}}}, "actions": {"forwarding": "accept"}},
            {"name": "lab", "matches": {"ipv4": {"protocol": 6, "source-ipv4-network": "203.0.113.64/26"}, "tcp": {"destination-port": {"operator": "eq", "port": 8080}}}, "actions": {"forwarding": "accept"}}
          ]
        }
      },
      {
        "name": "cordon-v6to",
        "type": "ipv6-acl-type",
        "aces": {
          "ace": [
            {"name": "modbus", "matches": {"ipv6": {"protocol": 6, "source-ipv6-network": "2001:db8:1::10/128"}, "tcp": {"destination-port": {"operator": "eq", "port": 502}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_1", "matches": {"ipv6": {"protocol": 6, "source-ipv6-network": "2001:db8:1::10/128"}, "tcp": {"destination-port": {"operator": "eq", "port": 80}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_2", "matches": {"ipv6": {"protocol": 6, "source-ipv6-network": "2001:db8:1::10/128"}, "tcp": {"destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}},
            {"name": "web-and-opc_3", "matches": {"ipv6": {"protocol": 6, "source-ipv6-network": "2001:db8:1::10/128"}, "tcp": {"destination-port": {"lower-port": 4840, "upper-port": 4843}}}, "actions": {"forwarding": "accept"}}
          ]
        }
      }
    ]
  }
}
