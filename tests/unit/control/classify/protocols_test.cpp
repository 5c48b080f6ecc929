// SPDX-License-Identifier: BSD-3-Clause
// First payloads as the protocols' specifications give them, against the built-in catalogue. On port 9 where a protocol
// is to be known by its payload alone.
#include "control/classify/catalogue_file.h"
#include "dataplane/classify/flow_classifier.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace foregate::control {
namespace {

using namespace dataplane;
using namespace std::string_literals;

struct Row {
    const char* name;
    std::uint8_t transport;
    std::uint16_t port;
    bool from_client;
    std::string payload;
};

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

std::string zeros(std::size_t count) { return std::string(count, '\0'); }

const Row kRows[] = {
    {"SSH", kTcp, 9, false, "SSH-2.0-OpenSSH_9.2\r\n"},
    {"SMTP", kTcp, 9, false, "220 mail.example ESMTP Postfix\r\n"},
    {"SMTP", kTcp, 9, true, "EHLO client.example\r\n"},
    {"POP3", kTcp, 9, false, "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"},
    {"IMAP", kTcp, 9, false, "* OK IMAP4rev1 Service Ready\r\n"},
    {"FTP", kTcp, 21, false, "220 Service ready for new user.\r\n"},
    {"SMB", kTcp, 9, true, "\x00\x00\x00\x24\xfeSMB\x40\x00"s + zeros(30)},
    {"RDP", kTcp, 9, true, "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"s},
    {"VNC", kTcp, 9, false, "RFB 003.008\n"},
    {"PostgreSQL", kTcp, 9, true, "\x00\x00\x00\x08\x04\xd2\x16\x2f"s},
    {"PostgreSQL", kTcp, 9, true, "\x00\x00\x00\x11\x00\x03\x00\x00user\x00joe\x00\x00"s.replace(3, 1, 1, '\x12')},
    {"MySQL", kTcp, 9, false, "\x14\x00\x00\x00\x0a"s + "8.0.36\x00"s + "\x01\x00\x00\x00"s + "abcdefgh"},
    {"MongoDB", kTcp, 9, true, "\x15\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00"s},
    {"Redis", kTcp, 9, true, "*1\r\n$4\r\nPING\r\n"},
    {"Memcached", kTcp, 9, true, "set key 0 900 5\r\nhello\r\n"},
    {"MQTT", kTcp, 9, true, "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"s},
    {"AMQP", kTcp, 9, true, "AMQP\x00\x00\x09\x01"s},
    {"BGP", kTcp, 179, true, std::string(16, '\xff') + "\x00\x1d\x01\x04"s + zeros(9)},
    {"BitTorrent", kTcp, 9, true, "\x13" "BitTorrent protocol"s + zeros(8)},
    {"BitTorrent", kUdp, 9, true, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"},
    {"HTTP2", kTcp, 9, true, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"HTTP", kTcp, 9, true, "GET /index.html\r\n"},
    {"WebSocket", kTcp, 80, true, "GET /chat HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\n\r\n"},
    {"SIP", kUdp, 9, true, "OPTIONS sip:carol@chicago.example SIP/2.0\r\n"},
    {"RTSP", kTcp, 9, true, "DESCRIBE rtsp://server.example/movie RTSP/1.0\r\n"},
    {"FTP_DATA", kTcp, 9, false, "-rw-rw-r--    1 root     root          127 Jun 22 10:00 readme\r\n"},
    {"FTP_DATA", kTcp, 9, false, "06-22-24  10:00AM       <DIR>          pub\r\n"},
    {"SOCKS", kTcp, 9, true, "\x04\x01\x00\x50\x00\x00\x00\x01\x00www.example\x00"s},
    {"SOCKS", kTcp, 9, true, "\x05\x01\x00"s},
    {"MSDO", kTcp, 9, true, "\x0eSwarm protocol"s + zeros(20)},
    {"SoulSeek", kTcp, 9, true, "\x16\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00" "alice\x05\x00\x00\x00" "secre"s},
    {"Spice", kTcp, 9, true, "REDQ\x02\x00\x00\x00"s + zeros(20)},
    {"STUN", kTcp, 9, true, "\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42"s + "abcdefghijkl"},
    {"TeamViewer", kTcp, 5938, true, "\x17\x24\x0a\x20\x00\x00\x00\x00"s},
    {"BitTorrent", kUdp, 9, true, "\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x12\x34\x56\x78"s},
    {"BitTorrent", kUdp, 9, true, "\x41\x00\x12\x34\x01\x02\x03\x04\x00\x00\x00\x00\x00\x03\x80\x00\x00\x01\x00\x00"s},
    {"IPSec", kUdp, 500, true, "abcdefgh"s + zeros(8) + "\x28\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x1c"s},
    {"IPSec", kUdp, 4500, true, zeros(4) + "abcdefgh"s + zeros(8) + "\x21\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x1c"s},
    {"HSRP", kUdp, 1985, true, "\x00\x00\x10\x03\x0a\x78\x01\x00" "cisco\x00\x00\x00\x0a\x00\x00\x01"s},
    {"HSRP", kUdp, 1985, true, "\x01\x28\x02\x00\x06\x04\x00\x01"s + zeros(34)},
    {"HSRP", kUdp, 2029, true, "\x02\x04\x00\x00\x00\x01"s},
    {"NFS", kUdp, 111, true, "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa0\x00\x00\x00\x02"s + zeros(20)},
    {"MsSQL-TDS", kUdp, 1434, true, "\x02"s},
    {"TeamSpeak", kUdp, 2010, true, "\x01\x80\x84\x01"s},
    {"FortiClient", kUdp, 9, true, "\x00\x1cGFtype\x00" "clthello\x00SVPNCOOKIE\x00"s},
    {"SD-RTN", kUdp, 9, true, "abcdef\x21" "ghijk\x04SNI\x00\x04\x00name"s},
    {"Nintendo", kUdp, 9, true, "\x32\xab\x98\x64\x02\x00\x00\x00"s},
    {"OpenVPN", kUdp, 9, true, "\x38" "abcdefgh\x00\x00\x00\x01\x66\x00\x00\x00"s + std::string(37, 'm')},
    {"SSDP", kUdp, 1900, true, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"},
    {"DHCP", kUdp, 67, true, "\x01\x01\x06\x00"s + zeros(232) + "\x63\x82\x53\x63\x35\x01\x01\xff"s},
    {"TFTP", kUdp, 69, true, "\x00\x01" "boot.img\x00octet\x00"s},
    {"NFS", kUdp, 9, true, "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3\x00\x00\x00\x03"s + zeros(20)},
    {"SNMP", kUdp, 161, true, "\x30\x13\x02\x01\x01\x04\x06public\xa0\x06\x02\x01\x01\x02\x01\x00"s},
    {"LDAP", kTcp, 9, true, "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"s},
    {"Kerberos", kUdp, 9, true, "\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\x00\x00"s},
    {"STUN", kUdp, 3478, true, "\x00\x01\x00\x00\x21\x12\xa4\x42"s + "abcdefghijkl"},
    {"WireGuard", kUdp, 9, true, "\x01\x00\x00\x00"s + std::string(144, 'w')},
    {"PPTP", kTcp, 9, true, "\x00\x9c\x00\x01\x1a\x2b\x3c\x4d\x00\x01"s + zeros(146)},
    {"RSYNC", kTcp, 9, false, "@RSYNCD: 31.0\n"},
    {"Git", kTcp, 9, true, "0032git-upload-pack /project.git\0host=myserver.example\0"s},
    {"MsSQL-TDS", kTcp, 9, true, "\x12\x01\x00\x0f\x00\x00\x00\x00\x00\x00\x06\x00\x01\xff\x00"s},
    {"DCERPC", kTcp, 135, true, "\x05\x00\x0b\x03\x10\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00"s},
    {"IPSec", kUdp, 500, true, "12345678"s + zeros(8) + "\x21\x20\x22\x08"s + zeros(8)},
    {"Telnet", kTcp, 23, false, "\xff\xfd\x18\xff\xfd\x20"s},
    {"Jabber", kTcp, 9, true, "<?xml version='1.0'?><stream:stream to='im.example'>"},
    {"IRC", kTcp, 9, true, "NICK wiz\r\n"},
    {"SOCKS", kTcp, 1080, true, "\x05\x01\x00"s},
    {"Syslog", kUdp, 514, true, "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed"},
    {"RTPS", kUdp, 9, true, "RTPS\x02\x01"s + zeros(30)},
};

class BuiltInCatalogue : public ::testing::Test {
protected:
    static const Catalogue& catalogue() {
        static const Catalogue compiled = compile_catalogue({});
        return compiled;
    }
};

TEST_F(BuiltInCatalogue, KnowsProtocolsByTheirFirstPayload) {
    CatalogueScratch scratch(catalogue());
    FlowClassifier classifier({2, 12});
    ClassifyResult result;
    for (const Row& row : kRows) {
        std::uint32_t handle = 0;
        ClassifyPacket packet;
        packet.payload = {reinterpret_cast<const std::uint8_t*>(row.payload.data()), row.payload.size()};
        packet.client_port = 50123;
        packet.server_port = row.port;
        packet.protocol = row.transport;
        packet.from_client = row.from_client;
        packet.beginning_seen = true;
        classifier.feed(handle, packet, catalogue(), scratch, result);
        EXPECT_EQ(catalogue().name(result.protocol), row.name) << row.payload.substr(0, 24);
        classifier.release(handle);
    }
}

TEST_F(BuiltInCatalogue, TakesRandomBytesForNothing) {
    CatalogueScratch scratch(catalogue());
    FlowClassifier classifier({2, 12});
    ClassifyResult result;
    std::uint64_t random = 88172645463325252ULL;
    unsigned known = 0;
    constexpr unsigned kRounds = 4000;
    for (unsigned round = 0; round < kRounds; ++round) {
        std::string payload(64 + round % 200, '\0');
        for (char& c : payload) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            c = static_cast<char>(random);
        }
        std::uint32_t handle = 0;
        ClassifyPacket packet;
        packet.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
        packet.client_port = 50123;
        packet.server_port = 49999;
        packet.protocol = round % 2 == 0 ? kTcp : kUdp;
        packet.beginning_seen = true;
        classifier.feed(handle, packet, catalogue(), scratch, result);
        known += result.decided ? 1U : 0U;
        classifier.release(handle);
    }
    EXPECT_LT(known, kRounds / 200); // one in two hundred
}

} // namespace
} // namespace foregate::control
