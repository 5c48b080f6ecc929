// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/app_type.h"

#include <algorithm>
#include <iterator>

namespace foregate::dataplane {

namespace {

constexpr std::array<std::string_view, kAppTypeCount> kNames{
#define FOREGATE_APP_TYPE_NAME(value, text) text,
    FOREGATE_APP_TYPES(FOREGATE_APP_TYPE_NAME)
#undef FOREGATE_APP_TYPE_NAME
};

constexpr std::uint8_t kTcp = 1;
constexpr std::uint8_t kUdp = 2;
constexpr std::uint8_t kBoth = kTcp | kUdp;

struct PortRange {
    std::uint16_t first;
    std::uint16_t last;
    std::uint8_t transports;
    AppType type;
};

// Sorted by port, ranges disjoint (checked below). After the IANA service name registry and the
// vendors' documentation; where two uses share a port, the one seen on a desktop network.
constexpr PortRange kPorts[] = {
    {20, 21, kTcp, AppType::file_sharing},          // FTP
    {22, 23, kTcp, AppType::management},            // SSH, Telnet
    {25, 25, kTcp, AppType::mail},                  // SMTP
    {43, 43, kTcp, AppType::name_service},          // whois
    {49, 49, kBoth, AppType::directory},            // TACACS+
    {53, 53, kBoth, AppType::name_service},         // DNS
    {67, 68, kUdp, AppType::management},            // DHCP
    {69, 69, kUdp, AppType::file_sharing},          // TFTP
    {80, 80, kBoth, AppType::web},                  // HTTP
    {88, 88, kBoth, AppType::directory},            // Kerberos
    {110, 110, kTcp, AppType::mail},                // POP3
    {111, 111, kBoth, AppType::file_sharing},       // ONC RPC portmapper (NFS)
    {119, 119, kTcp, AppType::messaging},           // NNTP
    {123, 123, kUdp, AppType::management},          // NTP
    {135, 135, kTcp, AppType::directory},           // MS-RPC endpoint mapper
    {137, 138, kUdp, AppType::name_service},        // NetBIOS names and datagrams
    {139, 139, kTcp, AppType::file_sharing},        // SMB over NetBIOS
    {143, 143, kTcp, AppType::mail},                // IMAP
    {161, 162, kBoth, AppType::management},         // SNMP
    {179, 179, kTcp, AppType::management},          // BGP
    {389, 389, kBoth, AppType::directory},          // LDAP
    {443, 443, kBoth, AppType::web},                // HTTPS, HTTP/3
    {445, 445, kTcp, AppType::file_sharing},        // SMB
    {464, 464, kBoth, AppType::directory},          // Kerberos password change
    {465, 465, kTcp, AppType::mail},                // SMTP over TLS
    {500, 500, kUdp, AppType::vpn},                 // IKE
    {514, 514, kBoth, AppType::management},         // syslog
    {515, 515, kTcp, AppType::printing},            // LPD
    {548, 548, kTcp, AppType::file_sharing},        // AFP
    {554, 554, kBoth, AppType::video},              // RTSP
    {587, 587, kTcp, AppType::mail},                // submission
    {631, 631, kBoth, AppType::printing},           // IPP
    {636, 636, kTcp, AppType::directory},           // LDAP over TLS
    {853, 853, kBoth, AppType::name_service},       // DNS over TLS, over QUIC
    {873, 873, kTcp, AppType::backup},              // rsync
    {902, 903, kTcp, AppType::management},          // VMware hosts and consoles
    {989, 990, kTcp, AppType::file_sharing},        // FTP over TLS
    {992, 992, kTcp, AppType::management},          // Telnet over TLS
    {993, 993, kTcp, AppType::mail},                // IMAP over TLS
    {995, 995, kTcp, AppType::mail},                // POP3 over TLS
    {1194, 1194, kBoth, AppType::vpn},              // OpenVPN
    {1433, 1434, kBoth, AppType::database},         // Microsoft SQL Server
    {1494, 1494, kBoth, AppType::remote_desktop},   // Citrix ICA
    {1512, 1512, kBoth, AppType::name_service},     // WINS
    {1521, 1522, kTcp, AppType::database},          // Oracle
    {1556, 1556, kTcp, AppType::backup},            // Veritas PBX
    {1645, 1646, kUdp, AppType::directory},         // RADIUS, older ports
    {1701, 1701, kUdp, AppType::vpn},               // L2TP
    {1720, 1720, kTcp, AppType::conferencing},      // H.323
    {1723, 1723, kTcp, AppType::vpn},               // PPTP
    {1812, 1813, kUdp, AppType::directory},         // RADIUS
    {1863, 1863, kTcp, AppType::messaging},         // MSNP
    {1883, 1883, kTcp, AppType::messaging},         // MQTT
    {1935, 1935, kTcp, AppType::video},             // RTMP
    {2049, 2049, kBoth, AppType::file_sharing},     // NFS
    {2375, 2376, kTcp, AppType::developer_tools},   // Docker
    {2598, 2598, kBoth, AppType::remote_desktop},   // Citrix session reliability
    {2638, 2638, kTcp, AppType::database},          // SAP SQL Anywhere
    {3074, 3074, kBoth, AppType::gaming},           // Xbox network
    {3128, 3128, kTcp, AppType::web},               // proxies
    {3260, 3260, kTcp, AppType::file_sharing},      // iSCSI
    {3268, 3269, kTcp, AppType::directory},         // global catalogue
    {3306, 3306, kTcp, AppType::database},          // MySQL
    {3389, 3389, kBoth, AppType::remote_desktop},   // RDP
    {3478, 3481, kBoth, AppType::conferencing},     // STUN, TURN, Teams media
    {3690, 3690, kTcp, AppType::developer_tools},   // Subversion
    {4172, 4172, kBoth, AppType::remote_desktop},   // PCoIP
    {4369, 4369, kTcp, AppType::messaging},         // Erlang port mapper (RabbitMQ)
    {4500, 4500, kUdp, AppType::vpn},               // IPsec NAT traversal
    {4569, 4569, kUdp, AppType::voice},             // IAX2
    {5004, 5005, kUdp, AppType::voice},             // RTP
    {5060, 5061, kBoth, AppType::voice},            // SIP
    {5222, 5223, kTcp, AppType::messaging},         // XMPP, push services
    {5228, 5230, kTcp, AppType::messaging},         // Google push
    {5269, 5269, kTcp, AppType::messaging},         // XMPP between servers
    {5353, 5353, kUdp, AppType::name_service},      // mDNS
    {5355, 5355, kBoth, AppType::name_service},     // LLMNR
    {5432, 5433, kTcp, AppType::database},          // PostgreSQL
    {5671, 5672, kTcp, AppType::messaging},         // AMQP
    {5900, 5909, kTcp, AppType::remote_desktop},    // VNC
    {5938, 5938, kBoth, AppType::remote_desktop},   // TeamViewer
    {5984, 5984, kTcp, AppType::database},          // CouchDB
    {5985, 5986, kTcp, AppType::management},        // WinRM
    {6379, 6379, kTcp, AppType::database},          // Redis
    {6432, 6432, kTcp, AppType::database},          // PgBouncer
    {6568, 6568, kBoth, AppType::remote_desktop},   // AnyDesk
    {6660, 6669, kTcp, AppType::messaging},         // IRC
    {6697, 6697, kTcp, AppType::messaging},         // IRC over TLS
    {6881, 6889, kBoth, AppType::peer_to_peer},     // BitTorrent
    {6969, 6969, kBoth, AppType::peer_to_peer},     // BitTorrent trackers
    {7000, 7001, kTcp, AppType::database},          // Cassandra between nodes
    {7070, 7070, kTcp, AppType::remote_desktop},    // AnyDesk direct
    {7680, 7680, kTcp, AppType::software_update},   // Windows delivery optimisation
    {8000, 8000, kTcp, AppType::web},               // HTTP, alternate
    {8008, 8008, kTcp, AppType::web},               // HTTP, alternate
    {8080, 8081, kTcp, AppType::web},               // HTTP, alternate
    {8086, 8086, kTcp, AppType::database},          // InfluxDB
    {8443, 8443, kBoth, AppType::web},              // HTTPS, alternate; Blast behind a gateway too
    {8530, 8531, kTcp, AppType::software_update},   // WSUS
    {8801, 8810, kBoth, AppType::conferencing},     // Zoom media
    {8883, 8883, kTcp, AppType::messaging},         // MQTT over TLS
    {8888, 8888, kTcp, AppType::web},               // HTTP, alternate
    {9000, 9000, kTcp, AppType::database},          // ClickHouse
    {9042, 9042, kTcp, AppType::database},          // Cassandra
    {9090, 9090, kTcp, AppType::management},        // Cockpit, Prometheus
    {9091, 9091, kTcp, AppType::peer_to_peer},      // Transmission
    {9092, 9094, kTcp, AppType::messaging},         // Kafka
    {9100, 9107, kTcp, AppType::printing},          // raw printing
    {9200, 9200, kTcp, AppType::database},          // Elasticsearch
    {9300, 9300, kTcp, AppType::database},          // Elasticsearch between nodes
    {9392, 9402, kTcp, AppType::backup},            // Veeam
    {9418, 9418, kTcp, AppType::developer_tools},   // git
    {10000, 10000, kTcp, AppType::backup},          // NDMP
    {10050, 10051, kTcp, AppType::management},      // Zabbix
    {10080, 10082, kTcp, AppType::backup},          // Amanda
    {11211, 11211, kBoth, AppType::database},       // memcached
    {13720, 13724, kTcp, AppType::backup},          // NetBackup
    {19302, 19309, kUdp, AppType::conferencing},    // Google Meet
    {22443, 22443, kBoth, AppType::remote_desktop}, // Blast Extreme
    {25565, 25565, kTcp, AppType::gaming},          // Minecraft
    {26000, 26000, kBoth, AppType::gaming},         // Quake
    {27000, 27015, kUdp, AppType::gaming},          // Steam
    {27017, 27019, kTcp, AppType::database},        // MongoDB
    {32111, 32111, kTcp, AppType::remote_desktop},  // Horizon USB redirection
    {50000, 50000, kTcp, AppType::database},        // Db2
    {51413, 51413, kBoth, AppType::peer_to_peer},   // Transmission peers
    {51820, 51820, kUdp, AppType::vpn},             // WireGuard
};

constexpr bool ports_sorted_and_disjoint() {
    for (std::size_t i = 0; i < std::size(kPorts); ++i) {
        if (kPorts[i].first > kPorts[i].last || (i > 0 && kPorts[i].first <= kPorts[i - 1].last)) {
            return false;
        }
    }
    return true;
}
static_assert(ports_sorted_and_disjoint());

constexpr std::uint8_t kProtoTcp = 6;
constexpr std::uint8_t kProtoUdp = 17;
constexpr std::uint8_t kProtoGre = 47;
constexpr std::uint8_t kProtoEsp = 50;
constexpr std::uint8_t kProtoAh = 51;

} // namespace

AppType app_type_of_port(std::uint8_t ip_proto, std::uint16_t server_port) noexcept {
    if (ip_proto == kProtoGre || ip_proto == kProtoEsp || ip_proto == kProtoAh) {
        return AppType::vpn;
    }
    const std::uint8_t transport = ip_proto == kProtoTcp   ? kTcp
                                   : ip_proto == kProtoUdp ? kUdp
                                                           : std::uint8_t{0};
    const auto* row = std::upper_bound(
        std::begin(kPorts), std::end(kPorts), server_port,
        [](std::uint16_t port, const PortRange& range) { return port < range.first; });
    if (row == std::begin(kPorts)) {
        return AppType::other;
    }
    --row;
    return server_port <= row->last && (row->transports & transport) != 0 ? row->type
                                                                          : AppType::other;
}

std::string_view app_type_name(AppType type) noexcept {
    const auto index = static_cast<std::size_t>(type);
    return index < kNames.size() ? kNames[index] : kNames[static_cast<std::size_t>(AppType::other)];
}

std::optional<AppType> app_type_from_name(std::string_view name) noexcept {
    const auto* at = std::find(kNames.begin(), kNames.end(), name);
    if (at == kNames.end()) {
        return std::nullopt;
    }
    return static_cast<AppType>(at - kNames.begin());
}

} // namespace foregate::dataplane
