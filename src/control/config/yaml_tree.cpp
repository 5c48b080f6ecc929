// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::size_t kLargestText = 4U << 20;

/// The line (1-based) of the first byte that is no text: invalid UTF-8, or a control character but
/// tab and line ends.
std::optional<int> line_of_bad_byte(std::string_view text) {
    int line = 1;
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        std::size_t length = 1;
        if (c == '\n') {
            ++line;
        } else if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r')) {
            return line;
        } else if (c >= 0x80) {
            length = c >= 0xf0 && c <= 0xf4  ? 4
                     : c >= 0xe0 && c < 0xf0 ? 3
                     : c >= 0xc2 && c < 0xe0 ? 2
                                             : 0;
            if (length == 0 || i + length > text.size()) {
                return line;
            }
            for (std::size_t k = 1; k < length; ++k) {
                if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) {
                    return line;
                }
            }
        }
        i += length;
    }
    return std::nullopt;
}

/// Lines that are nothing but a dash (and a comment): where a list's empty item stands.
std::vector<int> lines_of_bare_dashes(std::string_view text) {
    std::vector<int> lines;
    int line = 1;
    for (std::size_t begin = 0; begin <= text.size(); ++line) {
        const auto end = std::min(text.find('\n', begin), text.size());
        std::string_view row = text.substr(begin, end - begin);
        row.remove_prefix(std::min(row.find_first_not_of(" \t"), row.size()));
        if (row.starts_with('-')) {
            row.remove_prefix(1);
            const auto next = row.find_first_not_of(" \t\r");
            if (next == std::string_view::npos || (next > 0 && row[next] == '#')) {
                lines.push_back(line);
            }
        }
        begin = end + 1;
    }
    return lines;
}

class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, const std::string& file,
                std::vector<ConfigProblem>& problems)
        : bare_dashes_(lines_of_bare_dashes(text)), file_(file), problems_(problems) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse(mark, "", anchor);
        YamlNode node;
        node.line = line_of_empty(mark);
        add(std::move(node));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problem(line_of(mark), "an alias (*name) is not supported, expected the value itself");
        YamlNode node;
        node.line = line_of(mark);
        add(std::move(node));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse(mark, tag, anchor);
        YamlNode node;
        node.kind = YamlNode::Kind::scalar;
        node.line = line_of(mark);
        node.quoted = tag == "!";
        node.text = on_one_line(value, node.line);
        add(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::list);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::map);
    }
    void OnMapEnd() override { close(); }

    YamlNode take_root() { return std::move(root_); }

private:
    /// A list or map that is not closed yet.
    struct Open {
        YamlNode node;
        std::map<std::string, int> keys; ///< every key met, with its line
        std::string key;
        int key_line = 0;
        bool has_key = false; ///< the next node is a value
        bool drop = false;    ///< that value belongs to a key which was refused
    };

    static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

    int line_of_empty(const YAML::Mark& mark) const {
        if (!open_.empty() && open_.back().node.is_map() && open_.back().has_key) {
            return open_.back().key_line;
        }
        int found = line_of(mark);
        for (const int line : bare_dashes_) {
            // The mark stands on the next token, which may be the next item's bare dash.
            if (line < line_of(mark) || (line == line_of(mark) && found == line_of(mark))) {
                found = line;
            }
        }
        return found;
    }

    void problem(int line, std::string message) {
        problems_.push_back({{file_, line}, std::move(message)});
    }

    void refuse(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != 0) {
            problem(line_of(mark), "an anchor (&name) is not supported, expected a plain value");
        }
        if (!tag.empty() && tag != "?" && tag != "!") {
            problem(line_of(mark), "a tag (!type) is not supported, expected a plain value");
        }
    }

    /// No key and no value needs a line end or a control character (from a block scalar, or an
    /// escape in quotes); refused here, so that every message is one line that a terminal can show.
    std::string on_one_line(std::string text, int line) {
        bool refused = false;
        for (char& c : text) {
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
                c = '?';
                refused = true;
            }
        }
        if (refused) {
            problem(line,
                    "a line end or control character within a value, expected text on one line");
        }
        return text;
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              YamlNode::Kind kind) {
        refuse(mark, tag, anchor);
        Open next;
        next.node.kind = kind;
        next.node.line = line_of(mark);
        open_.push_back(std::move(next));
    }

    void close() {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node));
    }

    void add(YamlNode node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.is_list()) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.has_key) {
            take_key(parent, std::move(node));
        } else {
            parent.has_key = false;
            if (!parent.drop) {
                parent.node.entries.push_back({parent.key, parent.key_line, std::move(node)});
            }
        }
    }

    void take_key(Open& map, YamlNode node) {
        map.has_key = true;
        map.key_line = node.line;
        map.drop = true;
        if (!node.is_scalar() || node.text.empty()) {
            problem(node.line, "a key that is no plain word, expected `key: value`");
            return;
        }
        map.key = std::move(node.text);
        const auto [first, is_new] = map.keys.emplace(map.key, node.line);
        if (!is_new) {
            problem(node.line, "duplicate key \"" + map.key + "\", already set in line " +
                                   std::to_string(first->second) + ", expected it once");
            return;
        }
        map.drop = false;
    }

    std::vector<int> bare_dashes_;
    const std::string& file_;
    std::vector<ConfigProblem>& problems_;
    std::vector<Open> open_;
    YamlNode root_;
};

} // namespace

const YamlNode* YamlNode::find(std::string_view key) const noexcept {
    for (const auto& entry : entries) {
        if (entry.key == key) {
            return &entry.value;
        }
    }
    return nullptr;
}

YamlNode read_yaml(std::string_view text, const std::string& file,
                   std::vector<ConfigProblem>& problems) {
    if (text.size() > kLargestText) {
        problems.push_back({{file, 0}, "the file is larger than 4 MiB, expected a YAML config"});
        return {};
    }
    if (const auto line = line_of_bad_byte(text)) {
        problems.push_back({{file, *line}, "a byte that is no UTF-8 text, expected a YAML config"});
        return {};
    }
    TreeBuilder builder(text, file, problems);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        if (parser.HandleNextDocument(builder)) {
            YamlNode root = builder.take_root();
            std::vector<ConfigProblem> unused;
            TreeBuilder second({}, file, unused);
            if (parser.HandleNextDocument(second)) {
                problems.push_back({{file, second.take_root().line},
                                    "a second YAML document, expected one document a file"});
            }
            return root;
        }
    } catch (const YAML::Exception& error) {
        const int line = error.mark.is_null() ? 0 : error.mark.line + 1;
        problems.push_back(
            {{file, line}, "YAML syntax: " + error.msg + ", expected `key: value` lines"});
    }
    return {};
}

} // namespace foregate::control
