// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/forecast_csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

namespace foregate::forecast {
namespace {

constexpr unsigned long long kMostMissingInARow = 1'000'000;

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Fields of one line; one that starts with a quote ends at the closing one, "" is a quote.
std::vector<std::string> split(std::string_view line, int number) {
    std::vector<std::string> fields;
    std::size_t at = 0;
    for (;;) {
        std::string field;
        const std::size_t start = std::min(line.find_first_not_of(" \t", at), line.size());
        if (start < line.size() && line[start] == '"') {
            std::size_t i = start + 1;
            for (;; ++i) {
                if (i >= line.size()) {
                    throw CsvError(number, "a quote is not closed");
                }
                if (line[i] == '"' && (i + 1 >= line.size() || line[++i] != '"')) {
                    break;
                }
                field += line[i];
            }
            at = std::min(line.find(',', i), line.size());
        } else {
            const std::size_t comma = std::min(line.find(',', at), line.size());
            field = trim(line.substr(at, comma - at));
            at = comma;
        }
        fields.push_back(std::move(field));
        if (at >= line.size()) {
            return fields;
        }
        ++at;
    }
}

template <typename Number> std::optional<Number> as_number(std::string_view text) {
    if (!text.empty() && text.front() == '+') {
        text.remove_prefix(1);
    }
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

struct Columns {
    std::size_t series = 0;
    std::size_t time = 0;
    std::size_t value = 0;
    std::size_t count = 0;
    bool steps = true; // else timestamps
};

Columns read_header(std::string_view line, int number) {
    const std::vector<std::string> names = split(line, number);
    const auto find = [&names](std::string_view name) {
        return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) -
                                        names.begin());
    };
    Columns columns{find("series"), find("step"), find("value"), names.size(), true};
    if (columns.time == names.size()) {
        columns.time = find("timestamp");
        columns.steps = false;
    }
    if (std::max({columns.series, columns.time, columns.value}) >= names.size()) {
        throw CsvError(number, "expected the header series,step,value or series,timestamp,value");
    }
    return columns;
}

double read_value(const std::string& text, int number) {
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (lower.empty() || lower == "na" || lower == "nan") {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const std::optional<double> value = as_number<double>(text);
    if (!value || !std::isfinite(*value)) {
        throw CsvError(number,
                       "value: expected a finite number, empty or NA, got \"" + text + "\"");
    }
    return *value;
}

class Reader {
public:
    void add(const Columns& columns, const std::vector<std::string>& fields, int number) {
        const std::string& name = fields[columns.series];
        const std::string& time = fields[columns.time];
        const double value = read_value(fields[columns.value], number);
        const auto [found, first] = index_.try_emplace(name, series_.size());
        if (first) {
            series_.push_back({name, {}});
            last_.push_back({});
        }
        const std::size_t at = found->second;
        if (columns.steps) {
            add_step(at, time, first, number);
        } else if (!first && !later(last_[at].text, time)) {
            throw CsvError(number, "timestamp: expected later than \"" + last_[at].text +
                                       "\" in series \"" + name + "\", got \"" + time + "\"");
        }
        last_[at].text = time;
        series_[at].values.push_back(value);
    }
    std::vector<NamedSeries> take() { return std::move(series_); }

private:
    struct Last {
        long long step = 0;
        std::string text;
    };

    static bool later(const std::string& before, const std::string& after) {
        const std::optional<double> a = as_number<double>(before);
        const std::optional<double> b = as_number<double>(after);
        return a && b ? *a < *b : before < after;
    }

    void add_step(std::size_t at, const std::string& text, bool first, int number) {
        const std::optional<long long> step = as_number<long long>(text);
        if (!step) {
            throw CsvError(number, "step: expected a whole number, got \"" + text + "\"");
        }
        const long long before = last_[at].step;
        if (!first && *step <= before) {
            throw CsvError(number, "step: expected more than " + std::to_string(before) +
                                       " in series \"" + series_[at].name + "\", got " + text);
        }
        const auto skipped =
            static_cast<unsigned long long>(*step) - static_cast<unsigned long long>(before) - 1;
        if (!first && skipped > kMostMissingInARow) {
            throw CsvError(number, "step: more than a million steps left out before " + text);
        }
        for (long long i = before + 1; !first && i < *step; ++i) {
            series_[at].values.push_back(std::numeric_limits<double>::quiet_NaN());
        }
        last_[at].step = *step;
    }

    std::map<std::string, std::size_t> index_;
    std::vector<NamedSeries> series_;
    std::vector<Last> last_;
};

void put(std::ostream& out, double value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    out.put(',');
    out.write(text.data(), error == std::errc{} ? end - text.data() : 0);
}

void put_name(std::ostream& out, const std::string& name) {
    if (name.find_first_of(",\"") == std::string::npos) {
        out << name;
        return;
    }
    out.put('"');
    for (const char c : name) {
        if (c == '"') {
            out.put('"');
        }
        out.put(c);
    }
    out.put('"');
}

} // namespace

std::vector<NamedSeries> parse_series(std::istream& in) {
    std::string line;
    int number = 1;
    if (!std::getline(in, line)) {
        throw CsvError(number, "the input is empty: expected a header");
    }
    if (line.starts_with("\xEF\xBB\xBF")) {
        line.erase(0, 3);
    }
    const Columns columns = read_header(line, number);
    Reader reader;
    while (std::getline(in, line)) {
        ++number;
        if (trim(line).empty()) {
            continue;
        }
        const std::vector<std::string> fields = split(line, number);
        if (fields.size() != columns.count) {
            throw CsvError(number, "expected " + std::to_string(columns.count) + " fields, got " +
                                       std::to_string(fields.size()));
        }
        reader.add(columns, fields, number);
    }
    return reader.take();
}

void format_forecasts(std::ostream& out, const std::vector<NamedForecast>& forecasts) {
    out << "series,step,mean,q025,q10,q50,q90,q975\n";
    for (const NamedForecast& one : forecasts) {
        int number = 0;
        for (const Step& step : one.forecast.steps) {
            put_name(out, one.name);
            out.put(',');
            out << ++number;
            for (const double value :
                 {step.mean, step.q025, step.q10, step.q50, step.q90, step.q975}) {
                put(out, value);
            }
            out.put('\n');
        }
    }
}

} // namespace foregate::forecast
