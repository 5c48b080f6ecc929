// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/event_log.h"
#include "control/telemetry/log.h"
#include "control/telemetry/metrics.h"
#include "unit/control/console/sample_console.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <arpa/inet.h>
#include <fstream>
#include <limits>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foregate::control {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<Json> lines_of(const std::filesystem::path& file) {
    std::vector<Json> out;
    std::istringstream in(text_of(file));
    for (std::string line; std::getline(in, line);) {
        out.push_back(Json::parse(line, nullptr, false));
    }
    return out;
}

Event threat_event() {
    Event event;
    event.type = "alert";
    event.desktop = "pc-7";
    event.desktop_address = "10.0.0.1";
    event.flow = EventFlow{42, "desk0", "10.0.0.1", 40000, "198.51.100.9", 443, "TCP", "tls"};
    event.alert = EventAlert{
        "blocked", 1, 9, 1, "bad.example asked by pc-7 (10.0.0.1), not 10.0.0.12", "malware", 1};
    event.foregate = {{"class", "office"}, {"reason", "threat-name"}};
    return event;
}

const EventTime kNow = EventTime(seconds(1795356000)) + std::chrono::microseconds(42);

TEST(TelemetrySipHash, ReferenceValues) {
    SipKey key;
    std::string message;
    for (std::uint8_t i = 0; i < 16; ++i) {
        key[i] = i;
    }
    const std::uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                      0x85676696d7fb7e2d};
    for (std::size_t i = 0; i < 15; ++i) {
        if (i < 4) {
            EXPECT_EQ(siphash24(key, message), expected[i]);
        }
        message += static_cast<char>(i);
    }
    EXPECT_EQ(siphash24(key, message), 0xa129ca6149be45e5); // the paper's appendix A
}

TEST(TelemetryEvents, EveLine) {
    TempFolder folder;
    const auto file = folder.path / "events.json";
    EventLog log(file, std::nullopt);
    ASSERT_TRUE(log.write(threat_event(), kNow));
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const Json line = lines_of(file).at(0);
    EXPECT_EQ(line["timestamp"], "2026-11-22T14:00:00.000042+0000");
    EXPECT_EQ(line["event_type"], "alert");
    EXPECT_EQ(line["src_ip"], "10.0.0.1");
    EXPECT_EQ(line["dest_port"], 443);
    EXPECT_EQ(line["proto"], "TCP");
    EXPECT_EQ(line["app_proto"], "tls");
    for (const char* key :
         {"action", "gid", "signature_id", "rev", "signature", "category", "severity"}) {
        EXPECT_TRUE(line["alert"].contains(key)) << key;
    }
    EXPECT_EQ(line["verdict"]["action"], "drop");
    EXPECT_EQ(line["foregate"]["desktop"], "pc-7");
    EXPECT_EQ(line["foregate"]["class"], "office");
    EXPECT_EQ(log.recent().size(), 1U);
}

TEST(TelemetryEvents, PseudonymsAreStableAndHideEverything) {
    TempFolder folder;
    const SipKey key = load_or_create_key(folder.path / "key");
    EXPECT_EQ(load_or_create_key(folder.path / "key"), key);
    const auto file = folder.path / "events.json";
    EventLog log(file, Pseudonyms(key));
    log.write(threat_event(), kNow);
    log.write(threat_event(), kNow);
    const std::string text = text_of(file);
    EXPECT_EQ(text.find("pc-7"), std::string::npos) << text;
    EXPECT_EQ(text.find("\"10.0.0.1\""), std::string::npos);
    EXPECT_EQ(text.find("(10.0.0.1)"), std::string::npos);
    EXPECT_NE(text.find("10.0.0.12"), std::string::npos); // another address stays
    const std::vector<Json> lines = lines_of(file);
    EXPECT_EQ(lines[0], lines[1]);
    in6_addr address{};
    EXPECT_EQ(::inet_pton(AF_INET6, lines[0]["src_ip"].get<std::string>().c_str(), &address), 1);
    SipKey other = key;
    other[3] ^= 1;
    EXPECT_NE(Pseudonyms(other).of_name("pc-7"), Pseudonyms(key).of_name("pc-7"));
    std::filesystem::permissions(folder.path / "key", std::filesystem::perms(0644));
    EXPECT_THROW(static_cast<void>(load_or_create_key(folder.path / "key")), std::runtime_error);
}

TEST(TelemetryEvents, RateLimitPerTypeTellsHowMany) {
    TempFolder folder;
    const auto file = folder.path / "events.json";
    EventLog log(file, std::nullopt, {2, 1});
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(log.write(threat_event(), kNow), i < 2);
    }
    Event session;
    session.type = "session";
    EXPECT_TRUE(log.write(session, kNow)); // a limit of its own
    EXPECT_EQ(log.suppressed_total(), 3U);
    EXPECT_TRUE(log.write(threat_event(), kNow + seconds(1)));
    EXPECT_EQ(lines_of(file).back()["foregate"]["suppressed"], 3);
    EXPECT_FALSE(log.write(threat_event(), kNow + seconds(1)));
    log.flush_suppressed(kNow + seconds(1));
    EXPECT_EQ(log.written_total(), 4U);
    log.flush_suppressed(kNow + seconds(3));
    EXPECT_EQ(lines_of(file).back()["foregate"]["of_event_type"], "alert");
    EXPECT_EQ(lines_of(file).back()["foregate"]["suppressed"], 1);
}

TEST(TelemetryEvents, RotationTornLinesAndMemory) {
    TempFolder folder;
    const auto file = folder.path / "events.json";
    std::ofstream(file) << "{\"half";
    EventLog log(file, std::nullopt, {1e9, 1});
    log.write(threat_event(), kNow);
    EXPECT_EQ(lines_of(file).size(), 2U);
    EXPECT_FALSE(lines_of(file)[1].is_discarded());
    std::filesystem::rename(file, folder.path / "old");
    log.reopen();
    for (std::size_t i = 0; i < EventLog::kKept + 5; ++i) {
        log.write(threat_event(), kNow + seconds(i));
    }
    EXPECT_EQ(lines_of(file).size(), EventLog::kKept + 5);
    EXPECT_EQ(log.recent().size(), EventLog::kKept);
    EXPECT_THROW(EventLog(folder.path / "no" / "such", std::nullopt), std::runtime_error);
}

std::string scrape(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const std::string request = "GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), 0), std::ssize(request));
    std::string got;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        got.append(bytes, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return got;
}

TEST(TelemetryMetrics, ScrapeShowsTheLastSet) {
    EXPECT_EQ(start_metrics("127.0.0.1", 0, "1"), nullptr);
    MetricsServer server("127.0.0.1", 0, "1.2.3");
    EXPECT_NE(scrape(server.port()).find("foregate_build_info{version=\"1.2.3\"} 1"),
              std::string::npos);
    HistogramValue histogram{{{0.1, 1}, {std::numeric_limits<double>::infinity(), 2}}, 3.5, 2};
    const std::size_t left_out = server.publish({
        {"foregate_port_rx_packets_total",
         "Packets",
         MetricKind::counter,
         {{"port", "up\"0"}},
         7,
         {}},
        {"foregate_sessions", "Sessions", MetricKind::gauge, {{"state", "active"}}, 3, {}},
        {"foregate_port_rx_packets_total", "Packets", MetricKind::counter, {{"port", "d0"}}, 8, {}},
        {"foregate_handshake_saved_seconds", "Saved", MetricKind::histogram, {}, 0, histogram},
        {"not a name", "?", MetricKind::gauge, {}, 1, {}},
        {"foregate_sessions", "other kind", MetricKind::counter, {}, 1, {}},
    });
    EXPECT_EQ(left_out, 2U);
    const std::string got = scrape(server.port());
    for (const char* wanted :
         {"# TYPE foregate_port_rx_packets_total counter",
          "foregate_port_rx_packets_total{port=\"up\\\"0\"} 7",
          "foregate_port_rx_packets_total{port=\"d0\"} 8", "foregate_sessions{state=\"active\"} 3",
          "foregate_handshake_saved_seconds_bucket{le=\"+Inf\"} 2", "foregate_build_info"}) {
        EXPECT_NE(got.find(wanted), std::string::npos) << wanted << " in\n" << got;
    }
    EXPECT_THROW(MetricsServer("127.0.0.1", server.port(), "1"), std::runtime_error);
}

TEST(TelemetryLog, LevelFileAndRotation) {
    TempFolder folder;
    const auto before = spdlog::default_logger();
    const auto file = folder.path / "log";
    EXPECT_THROW(start_log("loud", file), std::runtime_error);
    EXPECT_THROW(start_log("info", folder.path / "no" / "log"), std::runtime_error);
    start_log("warning", file);
    spdlog::info("quiet");
    spdlog::warn("first");
    std::filesystem::rename(file, folder.path / "old");
    reopen_log();
    spdlog::warn("second");
    spdlog::set_default_logger(before);
    EXPECT_NE(text_of(folder.path / "old").find("first"), std::string::npos);
    EXPECT_EQ(text_of(folder.path / "old").find("quiet"), std::string::npos);
    EXPECT_NE(text_of(file).find("second"), std::string::npos);
}

} // namespace
} // namespace foregate::control
