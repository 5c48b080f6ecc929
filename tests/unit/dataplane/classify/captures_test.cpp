// SPDX-License-Identifier: BSD-3-Clause
// The payload parsers on real captures, when they are at hand: $FOREGATE_SHARED, or `shared` beside
// the source tree. The expected names are those that other dissectors show for these files.
#include "dataplane/classify/capture_file.h"
#include "dataplane/classify/quic_initial.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace foregate::dataplane {
namespace {

using capture_test::CaptureFile;
using capture_test::Segment;
using Names = std::set<std::string>;

std::filesystem::path capture_folder() {
    if (const char* shared = std::getenv("FOREGATE_SHARED")) {
        return std::filesystem::path(shared) / "data" / "pcap";
    }
    return std::filesystem::path(FOREGATE_SOURCE_ROOT) / ".." / "shared" / "data" / "pcap";
}

class Captures : public ::testing::Test {
protected:
    void SetUp() override {
        if (!std::filesystem::is_directory(capture_folder())) {
            GTEST_SKIP() << "no captures in \"" << capture_folder().string()
                         << "\"; set FOREGATE_SHARED to a folder that holds data/pcap";
        }
    }
};

struct QuicSeen {
    Names names;
    std::size_t recognised = 0; ///< directions that are QUIC
};

QuicSeen quic_in(const std::string& file) {
    struct Direction {
        QuicHello hello;
        bool decided = false;
    };
    QuicCrypto crypto;
    QuicSeen seen;
    std::map<std::string, std::unique_ptr<Direction>> directions;
    const CaptureFile capture(capture_folder() / file);
    for (const Segment& segment : capture.segments()) {
        std::unique_ptr<Direction>& direction = directions[segment.direction];
        if (!direction) {
            direction = std::make_unique<Direction>();
            direction->hello.begin();
        }
        if (segment.protocol != 17 || direction->decided) {
            continue;
        }
        TlsClientHello hello;
        const QuicResult result =
            parse_quic_datagram(segment.payload, direction->hello, crypto, hello);
        direction->decided = result != QuicResult::incomplete;
        if (result == QuicResult::found) {
            seen.names.emplace(hello.server_name.view());
        }
    }
    for (const auto& [key, direction] : directions) {
        seen.recognised += direction->hello.version != 0 ? 1 : 0;
    }
    return seen;
}

struct QuicFile {
    const char* file;
    Names names;
};

TEST_F(Captures, ServerNamesInQuic) {
    const QuicFile files[] = {
        {"ndpi/google_meet.pcapng", {"meet.google.com"}},
        {"ndpi/http_ipv6.pcap", {"www.google.it"}},
        {"ndpi/quic-24.pcap", {"localhost"}},
        {"ndpi/quic-27.pcap", {"play.google.com"}},
        {"ndpi/quic-29.pcap", {"localhost"}},
        {"ndpi/quic-mvfst-22.pcap", {"graph.facebook.com"}},
        {"ndpi/quic-mvfst-exp.pcap", {"video.fmct2-3.fna.fbcdn.net"}},
        {"ndpi/quic-v2.pcapng", {"test"}},
        {"ndpi/quic_q46_b.pcap", {"upload.youtube.com"}},
        {"ndpi/quic_t50.pcap", {"fonts.googleapis.com"}},
        {"ndpi/quic_t51.pcap", {"www.google.com"}},
        {"ndpi/youtube_quic.pcap",
         {"yt3.ggpht.com", "googleads.g.doubleclick.net", "pagead2.googlesyndication.com"}},
        {"suricata-verify/quic-ack3__input.pcap", {"tether.edge.apple"}},
        {"suricata-verify/quic-alerts__input.pcap", {"clients1.google.com"}},
        {"suricata-verify/quic-frag-middle-gap__input.pcap",
         {"optimizationguide-pa.googleapis.com"}},
        {"suricata-verify/quic-frag__input.pcap", {"token.services.mozilla.com"}},
        {"zeek/quic__chromium-115.0.5790.110-api-cirrus-com.pcap", {"api.cirrus-ci.com"}},
        {"zeek/quic__quic_win11_firefox_google.pcap", {"www.google.com"}},
        {"zeek/quic__quicv2-echo-443.pcap", {"localhost"}},
        {"zeek/quic__quicv2-echo-dpd-custom-port-4433.pcap", {"localhost"}},
        // Hellos without a name, or cut off.
        {"ndpi/doq.pcapng", {}},
        {"ndpi/quic-34.pcap", {}},
        {"ndpi/quic-mvfst-22_decryption_error.pcap", {}},
        {"ndpi/quic_cc_ack.pcapng", {}},
        {"ndpi/quic_frags_ch_in_multiple_packets.pcapng", {}},
        {"zeek/quic__merlinc2_Zeek_example.pcapng", {}},
    };
    for (const QuicFile& row : files) {
        const QuicSeen seen = quic_in(row.file);
        EXPECT_EQ(seen.names, row.names) << row.file;
        EXPECT_GE(seen.recognised, 1U) << row.file;
    }
}

TEST_F(Captures, ReservedVersionsOfQuic) {
    const QuicSeen seen = quic_in("ndpi/quic_interop_V.pcapng");
    EXPECT_EQ(seen.names.size(), 21U);
    EXPECT_TRUE(seen.names.contains("nghttp2.org"));
    EXPECT_TRUE(seen.names.contains("quic.aiortc.org"));
}

TEST_F(Captures, WhatIsNotQuic) {
    EXPECT_EQ(quic_in("ndpi/radius_false_positive.pcapng").recognised, 0U);
}

} // namespace
} // namespace foregate::dataplane
