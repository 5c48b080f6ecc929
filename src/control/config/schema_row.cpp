// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/schema_row.h"

namespace foregate::control {

std::string kind_of(const YamlNode& node) {
    switch (node.kind) {
    case YamlNode::Kind::empty:
        return "no value";
    case YamlNode::Kind::scalar:
        return "the single value \"" + node.text + "\"";
    case YamlNode::Kind::list:
        return "a list";
    case YamlNode::Kind::map:
        return "keys with values";
    }
    return "";
}

} // namespace foregate::control
