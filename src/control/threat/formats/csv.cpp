// SPDX-License-Identifier: BSD-3-Clause
// Tables (RFC 4180; separated by commas, semicolons, tabs or bars): abuse.ch's exports and others.
// The columns are told by the header, which may stand in a comment; without one, the first column
// whose values are addresses, names or URLs counts. A port or path beside a host makes it that port
// or path of the host, never the host.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace foregate::control {

namespace {

using Cells = std::vector<std::string>;

constexpr std::size_t kMaxRowBytes = 65536;
constexpr std::size_t kMaxCells = 256;
constexpr std::uint32_t kMaxRowLines = 16; ///< a row with more has lost a quote
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// Takes one row off the text; `open` when the text ends inside quotes. Rows span lines only in
/// quotes.
Cells take_row(std::string_view& text, char separator, std::uint32_t& lines, bool& open) {
    Cells cells(1);
    bool quoted = false;
    std::size_t i = 0;
    const std::size_t end = std::min(text.size(), kMaxRowBytes);
    for (; i < end; ++i) {
        const char c = text[i];
        if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            cells.back() += '"';
            ++i;
        } else if (c == '"' && (quoted || trimmed(cells.back()).empty())) {
            quoted = !quoted;
            cells.back().erase(0, quoted ? cells.back().size() : 0);
        } else if (!quoted && c == '\n') {
            break;
        } else if (!quoted && c == separator && cells.size() < kMaxCells) {
            cells.emplace_back();
        } else {
            cells.back() += c;
            lines += c == '\n' ? 1 : 0;
            if (lines == kMaxRowLines) {
                break;
            }
        }
    }
    open = quoted;
    text.remove_prefix(std::min(i + 1, text.size()));
    for (std::string& cell : cells) {
        cell = std::string(trimmed(cell));
    }
    return cells;
}

enum class Role : std::uint8_t { value, url, name, address, port, path, type, category, expiry };
constexpr std::size_t kRoles = 9;

struct KnownColumn {
    std::string_view name;
    Role role;
};

// Lower case, without blanks, '_' and '-'.
constexpr std::array<KnownColumn, 41> kColumns{{
    {"ioc", Role::value},
    {"iocvalue", Role::value},
    {"indicator", Role::value},
    {"value", Role::value},
    {"observable", Role::value},
    {"indicatorvalue", Role::value},
    {"url", Role::url},
    {"uri", Role::url},
    {"phishurl", Role::url},
    {"domain", Role::name},
    {"domainname", Role::name},
    {"hostname", Role::name},
    {"host", Role::name},
    {"fqdn", Role::name},
    {"ip", Role::address},
    {"ipaddress", Role::address},
    {"dstip", Role::address},
    {"destinationip", Role::address},
    {"address", Role::address},
    {"cidr", Role::address},
    {"network", Role::address},
    {"prefix", Role::address},
    {"ipv4", Role::address},
    {"ipv6", Role::address},
    {"netblock", Role::address},
    {"port", Role::port},
    {"dstport", Role::port},
    {"path", Role::path},
    {"type", Role::type},
    {"ioctype", Role::type},
    {"indicatortype", Role::type},
    {"malware", Role::category},
    {"malwareprintable", Role::category},
    {"threat", Role::category},
    {"category", Role::category},
    {"family", Role::category},
    {"app", Role::category},
    {"validuntil", Role::expiry},
    {"expires", Role::expiry},
    {"expiration", Role::expiry},
    {"expirydate", Role::expiry},
}};

struct Columns {
    std::array<std::size_t, kRoles> at{};

    Columns() { at.fill(kNone); }
    [[nodiscard]] std::size_t of(Role role) const { return at[static_cast<std::size_t>(role)]; }
    [[nodiscard]] std::string_view cell(const Cells& row, Role role) const {
        return of(role) < row.size() ? std::string_view(row[of(role)]) : std::string_view();
    }
    /// The column that says what is listed; the narrowest, if there are several.
    [[nodiscard]] std::size_t listed() const {
        for (const Role role : {Role::value, Role::url, Role::name, Role::address}) {
            if (of(role) != kNone) {
                return of(role);
            }
        }
        return kNone;
    }
};

Columns columns_of(const Cells& header) {
    Columns columns;
    for (std::size_t i = 0; i < header.size(); ++i) {
        std::string name = lower_case(header[i]);
        std::erase_if(name, [](char c) { return c == ' ' || c == '_' || c == '-' || c == '"'; });
        for (const KnownColumn& known : kColumns) {
            std::size_t& at = columns.at[static_cast<std::size_t>(known.role)];
            if (known.name == name && at == kNone) {
                at = i;
            }
        }
    }
    return columns;
}

bool looks_listed(std::string_view cell) {
    return dataplane::IpAddress::parse(cell.substr(0, cell.find_first_of("/:"))) ||
           dataplane::IpAddress::parse(cell.substr(0, cell.find('/'))) ||
           cell.find("://") != std::string_view::npos ||
           (cell.find('.') != std::string_view::npos && parse_feed_name(cell).reason.empty());
}

struct Shape {
    char separator = ',';
    std::size_t cells = 0;
};

/// The separator that cuts nearly every line of the head into equally many cells, two at least.
std::optional<Shape> shape_of(const FeedHead& head) {
    for (const char separator : {',', ';', '\t', '|'}) {
        if (head.lines.empty() || head.lines[0].find(separator) == std::string_view::npos) {
            continue;
        }
        std::array<std::size_t, kMaxCells + 1> counts{};
        for (std::string_view line : head.lines) {
            std::uint32_t lines = 0;
            bool open = false;
            ++counts[take_row(line, separator, lines, open).size()];
        }
        const auto most = std::max_element(counts.begin() + 2, counts.end());
        if (head.mostly(*most)) {
            return Shape{separator, static_cast<std::size_t>(most - counts.begin())};
        }
    }
    return std::nullopt;
}

Cells row_of(std::string_view line, char separator) {
    std::uint32_t lines = 0;
    bool open = false;
    return take_row(line, separator, lines, open);
}

/// The header in the comments above the data: "# id,dateadded,url".
Columns commented_header(const FeedHead& head, const Shape& shape) {
    Columns columns;
    std::string_view rest = head.text;
    while (!rest.empty()) {
        std::string_view line = trimmed(take_line(rest));
        if (!line.empty() && !FeedHead::is_comment(line)) {
            break;
        }
        line = trimmed(line.substr(std::min(line.find_first_not_of("#;!/ \t"), line.size())));
        const Cells cells = row_of(line, shape.separator);
        if (cells.size() == shape.cells && columns_of(cells).listed() != kNone) {
            columns = columns_of(cells);
        }
    }
    return columns;
}

/// The first column in which nearly every row has something that may be listed.
Columns guessed_columns(const FeedHead& head, const Shape& shape) {
    Columns columns;
    // With other separators a comment behind an entry looks like a second column.
    for (std::size_t i = 0; shape.separator == ',' && i < shape.cells && columns.listed() == kNone;
         ++i) {
        const std::size_t fitting = head.count([&](std::string_view line) {
            const Cells cells = row_of(line, shape.separator);
            return i < cells.size() && looks_listed(cells[i]);
        });
        if (fitting * 10 >= head.lines.size() * 8) {
            columns.at[static_cast<std::size_t>(Role::value)] = i;
        }
    }
    return columns;
}

struct Table {
    Shape shape;
    Columns columns;
    bool header = false; ///< the first row that is no comment
};

std::optional<Table> table_of(const FeedHead& head) {
    const std::optional<Shape> shape = shape_of(head);
    if (!shape) {
        return std::nullopt;
    }
    Table table;
    table.shape = *shape;
    table.columns = columns_of(row_of(head.lines[0], shape->separator));
    table.header = table.columns.listed() != kNone;
    if (!table.header) {
        table.columns = commented_header(head, *shape);
    }
    if (table.columns.listed() == kNone) {
        table.columns = guessed_columns(head, *shape);
    }
    return table.columns.listed() != kNone ? std::optional(table) : std::nullopt;
}

bool recognises(const FeedHead& head) {
    return table_of(head).has_value();
}

/// What a gateway cannot see: hashes of files, mail addresses, names of things.
bool is_no_destination(std::string_view type) {
    const std::string lower = lower_case(type);
    for (const std::string_view part :
         {"hash", "md5", "sha", "email", "mail", "file", "package", "ja3", "ja4", "mutex"}) {
        if (lower.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

void read_row(const Cells& row, const Columns& columns, FeedIntake& intake) {
    if (columns.listed() >= row.size()) {
        intake.reject(row.empty() ? std::string_view() : std::string_view(row[0]),
                      "a row without the column that counts");
        return;
    }
    if (is_no_destination(columns.cell(row, Role::type))) {
        intake.skip();
        return;
    }
    intake.set_category(columns.cell(row, Role::category));
    intake.set_expiry(parse_feed_time(columns.cell(row, Role::expiry)));
    const std::string& word = row[columns.listed()];
    const std::string_view port = columns.cell(row, Role::port);
    const std::string_view path = columns.cell(row, Role::path);
    const bool is_url = word.find_first_of("/?") != std::string::npos;
    const bool six = std::count(word.begin(), word.end(), ':') > 1 && !word.starts_with('[');
    if (word.empty()) {
        intake.reject(word, "nothing in the column that counts");
    } else if (is_url || (path.empty() && (port.empty() || port == "0"))) {
        intake.add_word(word);
    } else {
        std::string joined = six ? "[" + word + "]" : word;
        joined += port.empty() || port == "0" ? "" : ":" + std::string(port);
        joined += path.empty() || path.starts_with('/') ? "" : "/";
        intake.add_url(joined + std::string(path));
    }
}

std::string read(const FeedHead& head, FeedIntake& intake) {
    const std::optional<Table> table = table_of(head);
    bool header = table && table->header;
    std::string_view rest = head.text;
    while (table && !rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = trimmed(rest.substr(0, end));
        intake.begin_line();
        if (line.empty() || FeedHead::is_comment(line)) {
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            continue;
        }
        std::uint32_t further = 0;
        bool open = false;
        const std::size_t before = rest.size();
        const Cells row = take_row(rest, table->shape.separator, further, open);
        if (open) {
            // A lost quote would eat what follows: give up the row's first line only.
            intake.reject(line.substr(0, 64), "quotes that are not closed");
            rest = head.text.substr(head.text.size() - before);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            if (rest.empty()) {
                intake.set_truncated("the file ends inside quotes");
            }
            continue;
        }
        if (!std::exchange(header, false)) {
            read_row(row, table->columns, intake);
        } else {
            intake.skip();
        }
        for (; further > 0; --further) {
            intake.begin_line();
        }
    }
    return "csv";
}

} // namespace

const FeedFormat kCsv{"csv", recognises, read};

} // namespace foregate::control
