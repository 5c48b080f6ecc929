// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/packet_filter.h"

#include <algorithm>
#include <array>
#include <pcap/pcap.h>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr int kMostFrame = 65535;

/// Words of the language itself. Whatever else begins with a letter is a name, of a service where one may stand.
constexpr std::array kWords = std::to_array<std::string_view>({
    "ah", "and", "arp", "broadcast", "carp", "decnet", "dst", "esp", "ether", "fddi", "gateway", "geneve", "gre", "greater",
    "host", "icmp", "icmp6", "igmp", "igrp", "ip", "ip6", "iso", "len", "less", "link", "llc", "mask", "mpls", "multicast", "net",
    "not", "or", "pim", "port", "portrange", "ppp", "pppoed", "pppoes", "proto", "protochain", "rarp", "sctp", "src",
    "stp", "tcp", "udp", "vlan", "vrrp",
    // field names and their values
    "icmp-address", "icmp-echo", "icmp-echoreply", "icmp-ireq", "icmp-ireqreply", "icmp-maskreply", "icmp-maskreq",
    "icmp-paramprob", "icmp-redirect", "icmp-routeradvert", "icmp-routersolicit", "icmp-sourcequench",
    "icmp-timxceed", "icmp-tstamp", "icmp-tstampreply", "icmp-unreach", "icmp6-destinationrunreach", "icmp6-echo",
    "icmp6-echoreply", "icmp6-neighboradvert", "icmp6-neighborsolicit", "icmp6-packettoobig",
    "icmp6-parameterproblem", "icmp6-redirect", "icmp6-routeradvert", "icmp6-routersolicit", "icmp6-timeexceeded",
    "icmp6code", "icmp6type", "icmpcode", "icmptype", "tcp-ack", "tcp-cwr", "tcp-ece", "tcp-fin", "tcp-push",
    "tcp-rst", "tcp-syn", "tcp-urg", "tcpflags"});

/// After these a name is one of the host's files, not of a resolver.
bool names_follow(std::string_view word) noexcept {
    return word == "port" || word == "portrange" || word == "proto" || word == "protochain";
}

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) noexcept {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':' || c == '\\';
}

/// A jump backwards; the only one that the compiler makes is protochain's.
bool has_loop(const bpf_program& program) noexcept {
    for (unsigned i = 0; i < program.bf_len; ++i) {
        const bpf_insn& instruction = program.bf_insns[i];
        const bool jump = BPF_CLASS(instruction.code) == BPF_JMP && BPF_OP(instruction.code) == BPF_JA;
        if (jump && instruction.k >= program.bf_len - i) {
            return true;
        }
    }
    return false;
}

} // namespace

std::string_view word_to_look_up(std::string_view expression) noexcept {
    std::string_view before;
    for (std::size_t at = 0; at < expression.size();) {
        if (!is_word(expression[at])) {
            // `tcp port (http or https)` still speaks of ports; so do `and`, `or` between them.
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < expression.size() && is_word(expression[end])) {
            ++end;
        }
        const std::string_view word = expression.substr(at, end - at);
        at = end;
        const bool known = std::find(kWords.begin(), kWords.end(), word) != kWords.end();
        if (known) {
            if (word != "and" && word != "or" && word != "not") {
                before = word;
            }
            continue;
        }
        const bool begins_as_name = is_letter(word.front()) || word.front() == '\\' || word.front() == '_';
        const bool address = word.find(':') != std::string_view::npos; // fd00::1, or an Ethernet address
        const bool named_number = std::any_of(word.begin(), word.end(), is_letter) && !address &&
                                  word.substr(0, 2) != "0x" && word.substr(0, 2) != "0X"; // 3com.example
        if ((begins_as_name || named_number) && !address && !names_follow(before)) {
            return word;
        }
    }
    return {};
}

void PacketFilter::FreeProgram::operator()(bpf_program* program) const noexcept {
    ::pcap_freecode(program);
    delete program;
}

PacketFilter::PacketFilter(std::string_view expression) : text_(expression) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (std::all_of(text_.begin(), text_.end(), blank)) {
        text_.clear();
        return;
    }
    if (text_.size() > kMostText || text_.find('\0') != std::string::npos) {
        throw std::invalid_argument("filter: longer than " + std::to_string(kMostText) + " characters, or not text");
    }
    if (const std::string_view name = word_to_look_up(text_); !name.empty()) {
        throw std::invalid_argument("filter: " + std::string(name) +
                                    " is a name, and names are not looked up; expected an address");
    }
    struct ClosePcap {
        void operator()(pcap_t* pcap) const noexcept { ::pcap_close(pcap); }
    };
    const std::unique_ptr<pcap_t, ClosePcap> pcap(::pcap_open_dead(DLT_EN10MB, kMostFrame));
    auto compiled = std::make_unique<bpf_program>();
    if (pcap == nullptr || ::pcap_compile(pcap.get(), compiled.get(), text_.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
        throw std::invalid_argument(std::string("filter: ") +
                                    (pcap == nullptr ? "no memory" : ::pcap_geterr(pcap.get())));
    }
    program_.reset(compiled.release());
    if (has_loop(*program_)) {
        throw std::invalid_argument("filter: protochain goes around in a loop, and a polling core runs none");
    }
}

bool PacketFilter::matches(const std::uint8_t* frame, std::uint32_t kept, std::uint32_t length) const noexcept {
    return program_ == nullptr || ::bpf_filter(program_->bf_insns, frame, length, kept) != 0;
}

} // namespace foregate::dataplane
