// SPDX-License-Identifier: BSD-3-Clause
#include "bench/traffic.h"

#include "dataplane/packet/checksum.h"

#include <cstring>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr std::uint32_t kDesktopNetwork = 0xc6120000; // 198.18.0.0
constexpr std::uint32_t kServerNetwork = 0xc6130000;  // 198.19.0.0
constexpr std::uint16_t kServerPorts[]{443, 445, 5432, 8443};

IpAddress server_address(std::uint32_t server) noexcept { return IpAddress::from_v4(kServerNetwork + 1 + server); }
std::uint16_t server_port(std::uint32_t server) noexcept { return kServerPorts[server % std::size(kServerPorts)]; }

} // namespace

MacAddress neighbour_mac(const IpAddress& a) noexcept { return {0x02, 0x42, a.bytes[12], a.bytes[13], a.bytes[14], a.bytes[15]}; }

std::shared_ptr<const ThreatTables> threat_tables(unsigned count, unsigned workers) {
    ThreatListInput input;
    input.feeds = {"bench"};
    input.categories = {"bench"};
    for (unsigned i = 0; i < count; ++i) {
        ThreatEntry entry;
        entry.line = i + 1;
        if (i % 2 == 0) {
            entry.kind = ThreatKind::prefix;
            entry.prefix = IpPrefix{IpAddress::from_v4(0xc0000000U + i * 977U), 32}; // beside the benchmarking range
        } else {
            entry.kind = ThreatKind::name;
            entry.name = "host-" + std::to_string(i * 7919U) + ".zone" + std::to_string(i % 97) + ".example";
        }
        input.entries.push_back(std::move(entry));
    }
    return std::make_shared<ThreatTables>(ThreatDb::build(std::move(input)), workers);
}

IpAddress desktop_address(std::uint32_t desktop_number) noexcept { return IpAddress::from_v4(kDesktopNetwork + desktop_number); }

IpAddress ipv6_of(const IpAddress& ipv4) noexcept {
    constexpr std::uint8_t kNetwork[]{0x20, 0x01, 0x00, 0x02};
    IpAddress out;
    std::memcpy(out.bytes.data(), kNetwork, sizeof kNetwork);
    std::memcpy(out.bytes.data() + 12, ipv4.v4_wire(), 4);
    return out;
}

FlowEnds::FlowEnds(std::uint32_t number) noexcept : desktop_number(1 + number % kDesktops) {
    const std::uint32_t server_number = (number * 2654435761U >> 12) % kServers;
    desktop = desktop_address(desktop_number);
    server = server_address(server_number);
    desktop_port = static_cast<std::uint16_t>(1024 + number / kDesktops);
    server_port = bench::server_port(server_number);
}

unsigned FrameWriter::write(std::uint32_t number, bool up, std::uint8_t flags, const MacAddress& to,
                            std::uint8_t* frame) {
    constexpr unsigned kPayload = kFrameBytes - 14 - 20 - 20;
    const FlowEnds ends(number);
    segment_.src = up ? ends.desktop : ends.server;
    segment_.dst = up ? ends.server : ends.desktop;
    segment_.src_port = up ? ends.desktop_port : ends.server_port;
    segment_.dst_port = up ? ends.server_port : ends.desktop_port;
    segment_.flags = flags;
    segment_.seq = (flags & tcp_syn) != 0 ? 0 : 1;
    segment_.ack = (flags & tcp_ack) != 0 ? 1 : 0;
    segment_.window = 64'240;
    const bool syn = (flags & tcp_syn) != 0;
    segment_.options = SegmentOptions{};
    segment_.options.mss = syn ? 1460 : 0;
    segment_.payload_length = syn ? std::uint16_t{0} : static_cast<std::uint16_t>(kPayload);
    std::memset(segment_.payload.data(), 0x05, kPayload); // neither TLS nor HTTP
    return write(segment_, to, frame);
}

unsigned FrameWriter::write_long(std::uint32_t number, bool up, unsigned length, const MacAddress& to,
                                 std::uint8_t* frame) {
    const unsigned written = write(number, up, tcp_ack, to, frame);
    if (length <= written) {
        return written;
    }
    std::memset(frame + written, 0, length - written); // zeros change no sum; the lengths do
    std::uint8_t* ip = frame + 14;
    const std::uint16_t ip_before = load_be16(ip + 2);
    const auto ip_after = static_cast<std::uint16_t>(length - 14);
    store_be16(ip + 2, ip_after);
    store_be16(ip + 10, checksum_update16(load_be16(ip + 10), ip_before, ip_after));
    std::uint8_t* tcp = ip + 20;
    store_be16(tcp + 16, checksum_update16(load_be16(tcp + 16), static_cast<std::uint16_t>(ip_before - 20),
                                           static_cast<std::uint16_t>(ip_after - 20)));
    return length;
}

unsigned FrameWriter::write(const SegmentSpec& segment, const MacAddress& to, std::uint8_t* frame) {
    std::memcpy(frame, to.data(), to.size());
    const MacAddress from = neighbour_mac(segment.src);
    std::memcpy(frame + 6, from.data(), from.size());
    frame[12] = segment.src.is_v4() ? 0x08 : 0x86;
    frame[13] = segment.src.is_v4() ? 0x00 : 0xdd;
    const unsigned length = 14 + build_tcp_frame(segment, frame + 14);
    if (length < kFrameBytes) {
        std::memset(frame + length, 0, kFrameBytes - length);
        return kFrameBytes;
    }
    return length;
}

std::unique_ptr<Generation> make_tables(const TableChoice& choice) {
    auto tables = std::make_unique<Generation>();
    tables->number = 1;
    std::vector<std::pair<IpPrefix, DesktopRecord>> desktops;
    std::unordered_map<IpAddress, MacAddress, IpAddressHash> neighbours;
    for (std::uint32_t number = 1; number <= kDesktops; ++number) {
        const IpAddress address = desktop_address(number);
        if (choice.sessions) {
            desktops.emplace_back(IpPrefix{address, 32}, DesktopRecord{number, 1, SecondaryState::open});
            desktops.emplace_back(IpPrefix{ipv6_of(address), 128}, DesktopRecord{number, 1, SecondaryState::open});
        }
        neighbours.emplace(address, neighbour_mac(address));
        neighbours.emplace(ipv6_of(address), neighbour_mac(address));
    }
    PlanTable::Map allotments;
    for (std::uint32_t number = 0; number < kServers; ++number) {
        const IpAddress address = server_address(number);
        neighbours.emplace(address, neighbour_mac(address));
        neighbours.emplace(ipv6_of(address), neighbour_mac(address));
        if (choice.allotments && number % 8 == 0) {
            const auto id = static_cast<std::uint16_t>(1 + number / 8);
            allotments.emplace(DestinationKey{address, server_port(number), 1}, AllotmentRef{id, id});
        }
    }
    const std::vector<std::pair<IpPrefix, Route>> routes{{*IpPrefix::parse("198.18.0.0/16"), Route{0, false, {}}},
                                                         {*IpPrefix::parse("198.19.0.0/16"), Route{1, false, {}}},
                                                         {*IpPrefix::parse("2001:2::c612:0/112"), Route{0, false, {}}},
                                                         {*IpPrefix::parse("2001:2::c613:0/112"), Route{1, false, {}}}};
    ClassPattern pattern;
    pattern.policy = DeviationPolicy::note;
    pattern.known = true;
    pattern.budget.fill(1e9F);
    tables->desktops = std::make_shared<DesktopTable>(desktops, !choice.sessions);
    tables->routes = std::make_shared<RouteTable>(routes, std::vector<IpAddress>{}, std::move(neighbours));
    tables->plan = std::make_shared<PlanTable>(std::move(allotments));
    if (choice.pattern) {
        tables->pattern =
            std::make_shared<PatternTable>(1, std::vector<ClassPattern>{{}, pattern}, PatternTable::Destinations{});
    }
    tables->catalogue = CatalogueTables::plain(choice.workers);
    if (choice.threats != 0) {
        tables->threats = threat_tables(choice.threats, choice.workers);
    }
    return tables;
}

} // namespace foregate::bench
