// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/catalogue_file.h"

#include "control/classify/catalogue_values.h"
#include "control/config/nearest.h"
#include "control/config/quantity.h"
#include "control/config/yaml_tree.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

namespace foregate::control {

using dataplane::AppType;
using dataplane::ApplicationSpec;
using dataplane::CatalogueSpec;
using dataplane::PortSpace;
using dataplane::PortSpan;
using dataplane::PortTypeSpec;
using dataplane::ProtocolSpec;
using dataplane::Sender;
using dataplane::SignatureSpec;

namespace {

constexpr std::size_t kLongestName = 40;

/// One pass over one file.
class Reader {
public:
    Reader(const std::string& file, std::vector<ConfigProblem>& problems) : file_(file), problems_(problems) {}

    using Handler = std::function<void(const YamlNode&)>;
    struct Key {
        std::string name;
        Handler read;
    };

    void problem(int line, std::string message) { problems_.push_back({{file_, line}, std::move(message)}); }
    [[nodiscard]] std::string where(int line) const { return file_ + ":" + std::to_string(line); }

    void map(const YamlNode& node, const std::vector<Key>& keys) {
        if (!node.is_map()) {
            problem(node.line, "expected keys with values");
            return;
        }
        for (const YamlEntry& entry : node.entries) {
            const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == entry.key; });
            if (key != keys.end()) {
                key->read(entry.value);
                continue;
            }
            std::vector<std::string> known;
            for (const Key& k : keys) {
                known.push_back(k.name);
            }
            problem(entry.line, "unknown key \"" + entry.key + "\", " + suggestion(entry.key, known));
        }
    }
    void list(const YamlNode& node, const Handler& item) {
        if (node.is_scalar()) { // one value needs no brackets
            item(node);
        } else if (node.is_list()) {
            std::for_each(node.items.begin(), node.items.end(), item);
        } else if (!node.is_empty()) {
            problem(node.line, "expected a list");
        }
    }
    /// Reads a scalar by `parse`; the problem or the value goes its way.
    template <class Parse, class Take> void value(const YamlNode& node, Parse&& parse, Take&& take) {
        if (!node.is_scalar()) {
            problem(node.line, "expected one value");
            return;
        }
        auto parsed = parse(node.text);
        if (parsed.value) {
            take(*std::move(parsed.value));
        } else {
            problem(node.line, parsed.problem);
        }
    }
    void text(const YamlNode& node, std::string& to) {
        value(node, [](const std::string& t) { return Parsed<std::string>(t); }, [&](std::string t) { to = std::move(t); });
    }
    void type(const YamlNode& node, AppType& to) {
        value(
            node,
            [](const std::string& t) {
                const auto type = dataplane::app_type_from_name(t);
                if (type) {
                    return Parsed<AppType>(*type);
                }
                std::vector<std::string> names;
                for (std::size_t i = 0; i < dataplane::kAppTypeCount; ++i) {
                    names.emplace_back(dataplane::app_type_name(static_cast<AppType>(i)));
                }
                return Parsed<AppType>::failed("unknown application type \"" + t + "\", " + suggestion(t, names));
            },
            [&](AppType t) { to = t; });
    }
    void ports(const YamlNode& node, std::vector<PortSpan>& to) {
        list(node, [&](const YamlNode& item) {
            value(item, parse_ports, [&](std::vector<PortSpan> spans) { to.insert(to.end(), spans.begin(), spans.end()); });
        });
    }
    template <class E>
    void word(const YamlNode& node, const std::vector<std::pair<std::string, E>>& choices, E& to) {
        value(
            node,
            [&](const std::string& t) {
                std::vector<std::string> names;
                for (const auto& [name, choice] : choices) {
                    if (name == t) {
                        return Parsed<E>(choice);
                    }
                    names.push_back(name);
                }
                return Parsed<E>::failed("unknown value \"" + t + "\", " + suggestion(t, names));
            },
            [&](E e) { to = e; });
    }
    void name(const YamlNode& node, std::string& to) {
        text(node, to);
        const bool fine = !to.empty() && to.size() <= kLongestName &&
                          std::all_of(to.begin(), to.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '.'; });
        if (!fine) {
            problem(node.line, "\"" + to + "\" is no name, expected 1 to 40 characters without blanks and dots");
            to.clear();
        }
    }

    void signature(const YamlNode& node, ProtocolSpec& protocol);
    void protocol(const YamlNode& node, std::vector<ProtocolSpec>& to);
    void application(const YamlNode& node, std::vector<ApplicationSpec>& to);
    void port_types(const YamlNode& node, std::vector<PortTypeSpec>& to);

private:
    const std::string& file_;
    std::vector<ConfigProblem>& problems_;
};

void Reader::signature(const YamlNode& node, ProtocolSpec& protocol) {
    SignatureSpec signature;
    signature.where = where(node.line);
    bool has_transport = false;
    const auto flag = [&](const YamlNode& at, bool& to) {
        word<bool>(at, {{"true", true}, {"false", false}}, to);
    };
    map(node, {
        {"over", [&](const YamlNode& n) {
             word<PortSpace>(n, {{"tcp", PortSpace::tcp}, {"udp", PortSpace::udp}}, signature.over);
             has_transport = true;
         }},
        {"from", [&](const YamlNode& n) {
             word<Sender>(n, {{"client", Sender::client}, {"server", Sender::server}, {"either", Sender::either}},
                          signature.from);
         }},
        {"match", [&](const YamlNode& n) { text(n, signature.pattern); }},
        {"port", [&](const YamlNode& n) { ports(n, signature.ports); }},
        {"bytes", [&](const YamlNode& n) {
             value(n, parse_byte_range, [&](std::pair<std::uint16_t, std::uint16_t> range) {
                 signature.least_bytes = range.first;
                 signature.most_bytes = range.second;
             });
         }},
        {"length", [&](const YamlNode& n) {
             value(n, parse_length_fact, [&](dataplane::LengthFact fact) { signature.length = fact; });
         }},
        {"packets", [&](const YamlNode& n) {
             value(n, parse_whole, [&](std::uint64_t count) {
                 if (count < 1 || count > 8) {
                     problem(n.line, "packets: expected 1 to 8");
                 } else {
                     signature.packets = static_cast<std::uint8_t>(count);
                 }
             });
         }},
        {"first", [&](const YamlNode& n) { flag(n, signature.first_only); }},
        {"seems", [&](const YamlNode& n) { flag(n, signature.seems); }},
        {"within", [&](const YamlNode& n) {
             value(n, parse_payload_parser, [&](dataplane::PayloadParser p) { signature.within = p; });
         }},
        {"application", [&](const YamlNode& n) { name(n, signature.application); }},
    });
    if (!has_transport) {
        problem(node.line, "over: missing, expected tcp or udp");
    }
    if (signature.pattern.empty()) {
        problem(node.line, "match: missing, expected a pattern in quotes");
        return;
    }
    protocol.signatures.push_back(std::move(signature));
}

void Reader::protocol(const YamlNode& node, std::vector<ProtocolSpec>& to) {
    ProtocolSpec protocol;
    protocol.where = where(node.line);
    map(node, {
        {"name", [&](const YamlNode& n) { name(n, protocol.name); }},
        {"type", [&](const YamlNode& n) { type(n, protocol.type); }},
        {"ports", [&](const YamlNode& n) { ports(n, protocol.ports); }},
        {"tls-ports", [&](const YamlNode& n) {
             list(n, [&](const YamlNode& item) {
                 value(item, parse_whole, [&](std::uint64_t port) {
                     if (port < 1 || port > 65535) {
                         problem(item.line, "tls-ports: expected 1 to 65535");
                     } else {
                         protocol.tls_ports.push_back(static_cast<std::uint16_t>(port));
                     }
                 });
             });
         }},
        {"over-tls", [&](const YamlNode& n) { name(n, protocol.over_tls); }},
        {"parser", [&](const YamlNode& n) {
             value(n, parse_payload_parser, [&](dataplane::PayloadParser p) { protocol.parser = p; });
         }},
        {"carrier", [&](const YamlNode& n) { word<bool>(n, {{"true", true}, {"false", false}}, protocol.carrier); }},
        {"signatures", [&](const YamlNode& n) { list(n, [&](const YamlNode& item) { signature(item, protocol); }); }},
    });
    if (protocol.name.empty()) {
        problem(node.line, "name: missing, expected the protocol's name");
        return;
    }
    const bool twice = std::any_of(to.begin(), to.end(), [&](const ProtocolSpec& p) { return p.name == protocol.name; });
    if (twice) {
        problem(node.line, "the protocol \"" + protocol.name + "\" stands here twice, expected it once");
        return;
    }
    to.push_back(std::move(protocol));
}

void Reader::application(const YamlNode& node, std::vector<ApplicationSpec>& to) {
    ApplicationSpec application;
    application.where = where(node.line);
    map(node, {
        {"name", [&](const YamlNode& n) { name(n, application.name); }},
        {"type", [&](const YamlNode& n) { type(n, application.type); }},
        {"hosts", [&](const YamlNode& n) {
             list(n, [&](const YamlNode& item) {
                 value(item, parse_host_pattern, [&](std::string host) { application.hosts.push_back(std::move(host)); });
             });
         }},
        {"alpn", [&](const YamlNode& n) {
             list(n, [&](const YamlNode& item) {
                 std::string alpn;
                 text(item, alpn);
                 application.alpn.push_back(std::move(alpn));
             });
         }},
    });
    if (application.name.empty()) {
        problem(node.line, "name: missing, expected the application's name");
        return;
    }
    const bool twice =
        std::any_of(to.begin(), to.end(), [&](const ApplicationSpec& a) { return a.name == application.name; });
    if (twice) {
        problem(node.line, "the application \"" + application.name + "\" stands here twice, expected it once");
        return;
    }
    to.push_back(std::move(application));
}

void Reader::port_types(const YamlNode& node, std::vector<PortTypeSpec>& to) {
    PortTypeSpec types;
    map(node, {
        {"type", [&](const YamlNode& n) { type(n, types.type); }},
        {"ports", [&](const YamlNode& n) { ports(n, types.ports); }},
    });
    to.push_back(std::move(types));
}

/// What `fresh` names goes before or instead of what `old` has.
template <class T> void put_before(std::vector<T>& old, std::vector<T>&& fresh, bool new_ones_first) {
    std::vector<T> added;
    for (T& item : fresh) {
        const auto same = std::find_if(old.begin(), old.end(), [&](const T& o) { return o.name == item.name; });
        if (same != old.end()) {
            *same = std::move(item);
        } else {
            added.push_back(std::move(item));
        }
    }
    old.insert(new_ones_first ? old.begin() : old.end(), std::make_move_iterator(added.begin()),
               std::make_move_iterator(added.end()));
}

std::string read_text(const std::filesystem::path& file) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::error_code error;
    if (!in || std::filesystem::is_directory(file, error)) {
        throw ConfigError({{{file.string(), 0},
                            "cannot be read (" + std::generic_category().message(errno != 0 ? errno : EISDIR) +
                                "), expected a catalogue"}});
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

void read_catalogue(std::string_view text, const std::string& file, CatalogueSpec& spec,
                    std::vector<ConfigProblem>& problems) {
    const YamlNode root = read_yaml(text, file, problems);
    if (root.is_empty()) {
        return;
    }
    Reader reader(file, problems);
    CatalogueSpec fresh;
    reader.map(root, {
        {"protocols", [&](const YamlNode& n) {
             reader.list(n, [&](const YamlNode& item) { reader.protocol(item, fresh.protocols); });
         }},
        {"ports", [&](const YamlNode& n) {
             reader.list(n, [&](const YamlNode& item) { reader.port_types(item, fresh.port_types); });
         }},
        {"applications", [&](const YamlNode& n) {
             reader.list(n, [&](const YamlNode& item) { reader.application(item, fresh.applications); });
         }},
    });
    put_before(spec.protocols, std::move(fresh.protocols), true);
    put_before(spec.applications, std::move(fresh.applications), false);
    spec.port_types.insert(spec.port_types.begin(), std::make_move_iterator(fresh.port_types.begin()),
                           std::make_move_iterator(fresh.port_types.end()));
}

CatalogueSpec load_catalogue(const std::vector<std::filesystem::path>& files) {
    CatalogueSpec spec;
    std::vector<ConfigProblem> problems;
    read_catalogue(built_in_catalogue(), "catalogue.yaml", spec, problems);
    for (const auto& file : files) {
        read_catalogue(read_text(file), file.string(), spec, problems);
    }
    if (!problems.empty()) {
        throw ConfigError(std::move(problems));
    }
    return spec;
}

dataplane::Catalogue compile_catalogue(const std::vector<std::filesystem::path>& files,
                                       const dataplane::Catalogue* before, dataplane::PatternCache* cache) {
    const CatalogueSpec spec = load_catalogue(files);
    try {
        return dataplane::Catalogue::build(spec, before, cache);
    } catch (const std::invalid_argument& error) {
        // "file:line: message" already, or of the catalogue as a whole.
        const std::string what = error.what();
        const auto colon = what.find(": the pattern ");
        if (colon == std::string::npos) {
            throw ConfigError({{{files.empty() ? "catalogue.yaml" : files.back().string(), 0}, what}});
        }
        const auto line_at = what.rfind(':', colon - 1);
        throw ConfigError({{{what.substr(0, line_at), std::stoi(what.substr(line_at + 1))}, what.substr(colon + 2)}});
    }
}

} // namespace foregate::control
