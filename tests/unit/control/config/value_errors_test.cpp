// SPDX-License-Identifier: BSD-3-Clause
// One wrong value each: the line and the message, exactly.
#include "config_files.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using testing::kTwoPorts;
using testing::problems;

struct Case {
    const char* name;
    const char* text;   ///< appended to kTwoPorts: its first line is line 5
    const char* wanted; ///< the only problem, without "f.yaml:"
};

void PrintTo(const Case& c, std::ostream* out) {
    *out << c.name;
}

class ConfigValueError : public ::testing::TestWithParam<Case> {};

TEST_P(ConfigValueError, IsReportedOnItsLine) {
    EXPECT_EQ(problems(kTwoPorts + GetParam().text),
              std::vector<std::string>{std::string("f.yaml:") + GetParam().wanted});
}

const Case kCases[] = {
    {"UnknownTopKey", "sistem: {}\n", "5: unknown key \"sistem\", did you mean \"system\"?"},
    {"UnknownKey", "system:\n  control_core: 1\n",
     "6: system: unknown key \"control_core\", did you mean \"control-core\"?"},
    {"UnknownKeyFarFromAll", "log:\n  level: info\n  verbosity: 9\n",
     "7: log: unknown key \"verbosity\", expected one of level, file"},
    {"DuplicateKey", "system:\n  control-core: 0\n  idle-sleep: yes\n  control-core: 1\n",
     "8: duplicate key \"control-core\", already set in line 6, expected it once"},
    {"Octal", "system:\n  control-core: 012\n",
     "6: system.control-core: \"012\" looks octal, expected decimal digits without a leading zero: "
     "12"},
    {"NoNumber", "system:\n  control-core: one\n",
     "6: system.control-core: \"one\" is no whole number, expected decimal digits"},
    {"OutOfRange", "metrics:\n  port: 65536\n",
     "6: metrics.port: \"65536\" is out of range, expected 0..65535"},
    {"EmptyValueHasItsKeysLine", "system:\n  control-core:\n\n\nlog: {level: info}\n",
     "6: system.control-core: no value, expected a whole number 0..1023"},
    {"ListForValue", "system:\n  control-core: [1]\n",
     "6: system.control-core: a list, expected a whole number 0..1023"},
    {"ValueForList", "system:\n  worker-cores: 1\n",
     "6: system.worker-cores: the single value \"1\", expected a list such as [a, b], of: a whole "
     "number 0..1023"},
    {"EmptyList", "system:\n  worker-cores: []\n",
     "6: system.worker-cores: an empty list, expected at least one: a whole number 0..1023"},
    {"TwiceInList", "system:\n  worker-cores:\n    - 1\n    - 2\n    - 1\n",
     "9: system.worker-cores: \"1\" is listed twice, first in line 7, expected it once"},
    {"ValueForSection", "system: 3\n",
     "5: system: the single value \"3\", expected keys with values"},
    {"SectionForList", "desktops: {name: x}\n",
     "5: desktops: keys with values, expected a list: one `- key: value` block each"},
    {"SizeWithoutUnit", "system:\n  memory: 512\n",
     "6: system.memory: \"512\" has no unit, expected a size such as 512MB or 512MiB"},
    {"SizeOutOfRange", "system:\n  memory: 1MB\n",
     "6: system.memory: \"1MB\" is out of range, expected 64MiB..1TiB"},
    {"DurationWithoutUnit", "plan:\n  interval: 10\n",
     "6: plan.interval: \"10\" has no unit, expected a duration such as 30s, 5min, 2h or 14d"},
    {"DurationWithWrongUnit", "plan:\n  hold:\n    lead: 5m\n",
     "7: plan.hold.lead: \"5m\" has the unknown unit \"m\", expected a duration such as 30s, 5min, "
     "2h or 14d (units: ms, s, "
     "min, h, d)"},
    {"DurationTooFine", "plan:\n  interval: 1500ms\n",
     "6: plan.interval: \"1500ms\" is finer than a second, expected whole seconds such as 30s"},
    {"DurationOutOfRange", "plan:\n  interval: 0s\n",
     "6: plan.interval: \"0s\" is out of range, expected 1s..1h"},
    {"Share", "plan:\n  allotted-share: 70\n",
     "6: plan.allotted-share: \"70\" is more than the whole, expected a share such as 50% or 0.5"},
    {"Factor", "plan:\n  allotment-margin: 0.9\n",
     "6: plan.allotment-margin: \"0.9\" is out of range, expected 1..10"},
    {"Flag", "system:\n  idle-sleep: maybe\n",
     "6: system.idle-sleep: unknown value \"maybe\", expected one of true, false, yes, no, on, "
     "off"},
    {"Word", "unknown-desktops: blok\n",
     "5: unknown-desktops: unknown value \"blok\", did you mean \"block\"?"},
    {"Bucket", "analytics:\n  bucket: 7min\n",
     "6: analytics.bucket: \"7min\" is out of range, expected 1min or 5min"},
    {"Clock", "analytics:\n  clock-start: 2026-02-29 13:55:40\n",
     "6: analytics.clock-start: \"2026-02-29 13:55:40\" is no time, expected YYYY-MM-DD HH:MM:SS "
     "such as 2026-03-04 "
     "13:55:40"},
    {"TimeZone", "analytics:\n  time-zone: Europe/Atlantis\n",
     "6: analytics.time-zone: unknown time zone \"Europe/Atlantis\", expected a name under "
     "/usr/share/zoneinfo such as UTC "
     "or Europe/Rome"},
    {"TimeZoneOutsideItsFolder", "analytics:\n  time-zone: ../../../etc/passwd\n",
     "6: analytics.time-zone: unknown time zone \"../../../etc/passwd\", expected a name under "
     "/usr/share/zoneinfo such as "
     "UTC or Europe/Rome"},
    {"TimeZoneFolder", "analytics:\n  time-zone: Europe\n",
     "6: analytics.time-zone: unknown time zone \"Europe\", expected a name under "
     "/usr/share/zoneinfo such as UTC or "
     "Europe/Rome"},
    {"Address", "resolvers:\n  - 10.0.0.300\n",
     "6: resolvers: \"10.0.0.300\" is no IP address, expected one such as 10.0.0.1 or fd00::1"},
    {"EmptyItem", "resolvers:\n  - 10.0.0.3\n  -\n  - 10.0.0.4\n",
     "7: resolvers: no value, expected an IP address"},
    {"NotLoopback", "console:\n  telnet-address: 0.0.0.0\n",
     "6: console.telnet-address: \"0.0.0.0\" is no loopback address, expected 127.0.0.1 or ::1 "
     "(from elsewhere, come "
     "through SSH)"},
    {"Destination", "plan:\n  hold:\n    allow: [db.lab]\n",
     "7: plan.hold.allow: \"db.lab\" has no port, expected name:port, 192.0.2.1:port or "
     "[2001:db8::1]:port"},
    {"MaxAgeOfDestination", "plan:\n  hold:\n    max-age-of:\n      db.lab: 50s\n",
     "8: plan.hold.max-age-of: \"db.lab\" has no port, expected name:port, 192.0.2.1:port or "
     "[2001:db8::1]:port"},
    {"MaxAgeOfAge", "plan:\n  hold:\n    max-age-of:\n      db.lab:1: 50\n",
     "8: plan.hold.max-age-of: \"50\" has no unit, expected a duration such as 30s, 5min, 2h or "
     "14d"},
    {"MaxAgeOfNothing", "plan:\n  hold:\n    max-age-of:\n      db.lab:1:\n",
     "8: plan.hold.max-age-of: no value, expected a duration such as 30s"},
    {"MaxAgeOfList", "plan:\n  hold:\n    max-age-of: [a]\n",
     "7: plan.hold.max-age-of: a list, expected lines such as `db.example:5432: 50s`"},
    {"Name", "desktops: [{name: d 1, class: office, addresses: [10.1.1.7]}]\n",
     "5: desktops.name: \"d 1\" is no valid name, expected 1..64 of: letters, digits, . _ -, the "
     "first a letter or digit"},
    {"MissingKey", "desktops:\n  - name: d1\n    class: office\n",
     "6: desktops.addresses: missing, expected a list of: an IP address"},
    {"FeedFile", "threats:\n  feeds:\n    - name: a\n      path: nothing/here.txt\n",
     "8: threats.feeds.path: missing file nothing/here.txt, expected it to exist"},
    {"AllowFile", "threats:\n  allow: [nothing/here.txt]\n",
     "6: threats.allow: missing file nothing/here.txt, expected it to exist"},
    {"HolidayFile", "analytics:\n  holidays: nothing/here.txt\n",
     "6: analytics.holidays: missing file nothing/here.txt, expected it to exist"},
    {"TokenFile", "console:\n  token-file: nothing/here.txt\n",
     "6: console.token-file: missing file nothing/here.txt, expected it to exist"},
    {"FolderAsFile", "console:\n  token-file: /usr\n",
     "6: console.token-file: /usr is no plain file, expected one"},
    {"LogLevel", "\nlog: {level: loud}\n",
     "6: log.level: unknown value \"loud\", expected one of trace, debug, info, warn, error"},
};

INSTANTIATE_TEST_SUITE_P(Each, ConfigValueError, ::testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string(each.param.name); });

} // namespace
} // namespace foregate::control
