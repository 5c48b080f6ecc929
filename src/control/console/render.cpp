// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/render.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace foregate::control {
namespace {

using Json = nlohmann::ordered_json;

/// Whole numbers as such; up to three decimals above 0.001, no exponent for large ones.
std::string number_text(const Json& value) {
    if (!value.is_number_float()) {
        return value.dump();
    }
    const double number = value.get<double>();
    if (!std::isfinite(number)) {
        return "-";
    }
    char text[400];
    const double size = std::fabs(number);
    if (size != 0.0 && size < 0.001) {
        std::snprintf(text, sizeof text, "%.3g", number);
        return text;
    }
    std::snprintf(text, sizeof text, size >= 1e6 ? "%.0f" : "%.3f", number);
    std::string out = text;
    if (out.find('.') != std::string::npos) {
        out.erase(out.find_last_not_of('0') + 1);
        if (out.back() == '.') {
            out.pop_back();
        }
    }
    return out == "-0" ? "0" : out;
}

std::string clean(const std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // C1 controls (U+0080..U+009F) are C2 80..9F in UTF-8: some terminals obey them.
        const bool c1 =
            c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c < 0x20 || c == 0x7f || c1) {
            char hex[8];
            std::snprintf(hex, sizeof hex, "\\x%02x", c);
            out += hex;
            if (c1) {
                std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(text[++i]));
                out += hex;
            }
        } else {
            out += static_cast<char>(c);
        }
    }
    return out;
}

bool is_scalar(const Json& value) {
    return !value.is_object() && !value.is_array();
}

/// One line for any value.
std::string cell_text(const Json& value) {
    if (value.is_null()) {
        return "-";
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "yes" : "no";
    }
    if (value.is_number()) {
        return number_text(value);
    }
    if (value.is_string()) {
        return clean(value.get_ref<const std::string&>());
    }
    if (value.is_array() && std::all_of(value.begin(), value.end(), is_scalar)) {
        std::string out;
        for (const Json& item : value) {
            out += (out.empty() ? "" : ", ") + cell_text(item);
        }
        return out.empty() ? "-" : out;
    }
    return clean(render_json(value, -1));
}

/// Characters as shown: UTF-8 continuation bytes have no width of their own.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

struct Column {
    std::string key;
    std::size_t width = 0;
    bool numeric = true;
    std::vector<std::string> cells;
};

std::vector<Column> columns_of(const Json& rows) {
    std::vector<Column> columns;
    for (const Json& row : rows) {
        for (const auto& member : row.items()) {
            if (std::none_of(columns.begin(), columns.end(),
                             [&](const Column& c) { return c.key == member.key(); })) {
                columns.push_back({member.key(), width_of(clean(member.key())), true, {}});
            }
        }
    }
    for (Column& column : columns) {
        for (const Json& row : rows) {
            const auto at = row.find(column.key);
            const bool missing = at == row.end() || at->is_null();
            column.numeric = column.numeric && (missing || at->is_number());
            column.cells.push_back(missing ? "-" : cell_text(*at));
            column.width = std::max(column.width, width_of(column.cells.back()));
        }
    }
    return columns;
}

void append_cell(std::string& line, const std::string& text, const Column& column, bool last) {
    const std::string pad(column.width - width_of(text), ' ');
    line += column.numeric ? pad + text : text;
    if (!last) {
        line += (column.numeric ? "" : pad) + "  ";
    }
}

std::string table(const Json& rows, const std::string& indent) {
    const std::vector<Column> columns = columns_of(rows);
    std::string out;
    for (std::size_t row = 0; row <= rows.size(); ++row) { // line 0 is the header
        std::string line = indent;
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const std::string text = row == 0 ? clean(columns[c].key) : columns[c].cells[row - 1];
            append_cell(line, text, columns[c], c + 1 == columns.size());
        }
        out += line + '\n';
    }
    return out;
}

bool is_table(const Json& value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(),
                       [](const Json& row) { return row.is_object() && !row.empty(); });
}

std::string lines(const Json& value, const std::string& indent) {
    if (value.is_null() || ((value.is_array() || value.is_object()) && value.empty())) {
        return indent + "none\n";
    }
    if (is_table(value)) {
        return table(value, indent);
    }
    std::string out;
    if (value.is_array()) {
        for (const Json& item : value) {
            out += indent + cell_text(item) + '\n';
        }
        return out;
    }
    if (!value.is_object()) {
        return indent + cell_text(value) + '\n';
    }
    for (const auto& member : value.items()) {
        const Json& inner = member.value();
        const bool nested = (inner.is_object() && !inner.empty()) || is_table(inner);
        out += indent + clean(member.key()) + ':';
        if (nested) {
            out += '\n' + lines(inner, indent + "  ");
        } else if (!is_scalar(inner) && inner.empty()) {
            out += " none\n";
        } else {
            out += ' ' + cell_text(inner) + '\n';
        }
    }
    return out;
}

char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(const std::string& text, const std::string& wanted) {
    return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                       [](char a, char b) { return fold(a) == fold(b); }) != text.end();
}

/// Any value inside has the text; keys are looked at only where they are part of a line.
bool value_matches(const Json& value, const std::string& wanted) {
    if (is_scalar(value)) {
        return contains(cell_text(value), wanted);
    }
    return std::any_of(value.begin(), value.end(),
                       [&](const Json& v) { return value_matches(v, wanted); });
}

Json match(const Json& value, const std::string& wanted) {
    if (value.is_array()) {
        Json kept = Json::array();
        for (const Json& row : value) {
            if (value_matches(row, wanted)) {
                kept.push_back(row);
            }
        }
        return kept;
    }
    if (!value.is_object()) {
        return value_matches(value, wanted) ? value : Json(nullptr);
    }
    Json kept = Json::object();
    for (const auto& member : value.items()) {
        if (contains(member.key(), wanted)) {
            kept[member.key()] = member.value();
        } else if (Json inner = match(member.value(), wanted); !inner.empty()) {
            kept[member.key()] = std::move(inner);
        }
    }
    return kept;
}

Json count(const Json& value) {
    if (!value.is_object()) {
        return value.size(); // null 0, scalar 1
    }
    if (value.empty()) {
        return 0;
    }
    const std::string text = lines(value, "");
    return std::count(text.begin(), text.end(), '\n');
}

} // namespace

std::string render_text(const Json& value) {
    return lines(value, "");
}

std::string render_json(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json apply_pipes(Json value, const std::vector<Pipe>& pipes) {
    for (const Pipe& pipe : pipes) {
        value = pipe.kind == Pipe::Kind::match ? match(value, pipe.text) : count(value);
    }
    return value;
}

} // namespace foregate::control
