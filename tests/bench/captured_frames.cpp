// SPDX-License-Identifier: BSD-3-Clause
#include "bench/captured_frames.h"

#include "bench/traffic.h"
#include "dataplane/packet/parse.h"

#include <algorithm>
#include <filesystem>
#include <pcap/pcap.h>
#include <stdexcept>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr std::uint32_t kLongestFrame = 1514;
constexpr std::uint32_t kMostDesktops = 16'000;

bool is_capture(const std::filesystem::path& path) {
    const auto extension = path.extension();
    return extension == ".pcap" || extension == ".pcapng" || extension == ".cap" || extension == ".trace";
}

} // namespace

CapturedFrames::CapturedFrames(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && is_capture(entry.path())) {
            paths.push_back(entry.path().string());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::vector<CapturedFrame>> by_file;
    for (const std::string& path : paths) {
        by_file.emplace_back();
        read(path, by_file.back());
        files_ += by_file.back().empty() ? 0 : 1;
    }
    for (std::size_t at = 0, more = 1; more != 0; ++at) {
        more = 0;
        for (auto& file : by_file) {
            if (at < file.size()) {
                frames_.push_back(std::move(file[at]));
                ++more;
            }
        }
    }
    if (frames_.empty()) {
        throw std::runtime_error(folder + ": no capture with frames that can be forwarded");
    }
}

void CapturedFrames::read(const std::string& path, std::vector<CapturedFrame>& into) {
    char error[PCAP_ERRBUF_SIZE];
    pcap_t* file = ::pcap_open_offline(path.c_str(), error);
    if (file == nullptr) {
        throw std::runtime_error(path + ": " + error);
    }
    const bool ethernet = ::pcap_datalink(file) == DLT_EN10MB;
    pcap_pkthdr* header = nullptr;
    const std::uint8_t* bytes = nullptr;
    while (::pcap_next_ex(file, &header, &bytes) == 1) {
        CapturedFrame frame;
        if (ethernet && header->caplen == header->len && header->len <= kLongestFrame &&
            place({bytes, header->caplen}, frame.up)) {
            frame.bytes.assign(bytes, bytes + header->caplen);
            into.push_back(std::move(frame));
        } else {
            ++left_out_;
        }
    }
    ::pcap_close(file);
}

bool CapturedFrames::place(std::span<const std::uint8_t> bytes, bool& up) {
    ParsedPacket packet;
    if (parse(bytes.data(), static_cast<std::uint32_t>(bytes.size()), packet) != ParseResult::ip || packet.ttl < 2 ||
        (bytes[0] & 1) != 0) {
        return false;
    }
    static const RouteTable kLocal({}, {}, {}); // knows the addresses that are never forwarded
    if (kLocal.is_local(packet.src) || kLocal.is_local(packet.dst)) {
        return false;
    }
    const auto src = is_desktop_.find(packet.src);
    const auto dst = is_desktop_.find(packet.dst);
    up = src != is_desktop_.end() ? src->second : dst != is_desktop_.end() ? !dst->second : true;
    const bool down_end = dst != is_desktop_.end() ? dst->second : !up;
    if (down_end == up) {
        return false;
    }
    is_desktop_.emplace(packet.src, up);
    is_desktop_.emplace(packet.dst, down_end);
    return true;
}

std::unique_ptr<Generation> CapturedFrames::tables(unsigned threats) const {
    const IpAddress router = IpAddress::from_v4(0xc0000201); // 192.0.2.1
    auto tables = std::make_unique<Generation>();
    std::vector<std::pair<IpPrefix, DesktopRecord>> desktops;
    std::vector<std::pair<IpPrefix, Route>> routes{{*IpPrefix::parse("0.0.0.0/0"), Route{1, true, router}},
                                                   {*IpPrefix::parse("::/0"), Route{1, true, router}}};
    std::unordered_map<IpAddress, MacAddress, IpAddressHash> neighbours{{router, neighbour_mac(router)}};
    std::uint32_t number = 0;
    for (const auto& [address, desktop] : is_desktop_) {
        if (desktop) {
            const IpPrefix prefix{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
            number = std::min(number + 1, kMostDesktops);
            desktops.emplace_back(prefix, DesktopRecord{number, 1, SecondaryState::open});
            routes.emplace_back(prefix, Route{0, false, {}});
            neighbours.emplace(address, neighbour_mac(address));
        }
    }
    ClassPattern pattern;
    pattern.policy = DeviationPolicy::note;
    pattern.known = true;
    pattern.budget.fill(1e9F);
    tables->desktops = std::make_shared<DesktopTable>(desktops, false);
    tables->routes = std::make_shared<RouteTable>(routes, std::vector<IpAddress>{}, std::move(neighbours));
    tables->plan = std::make_shared<PlanTable>();
    tables->pattern =
        std::make_shared<PatternTable>(1, std::vector<ClassPattern>{{}, pattern}, PatternTable::Destinations{});
    tables->threats = threat_tables(threats, 1);
    return tables;
}

} // namespace foregate::bench
