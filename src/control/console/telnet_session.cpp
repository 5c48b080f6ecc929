// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/telnet_session.h"

#include "control/console/telnet_input.h"

#include <libcli.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <sys/select.h>
#include <unistd.h>

namespace foregate::control {
namespace {

constexpr int kMostWrongTokens = 3;

/// Compares in a time that does not tell how much was right.
bool same_token(std::string_view given, std::string_view wanted) {
    unsigned difference = given.size() == wanted.size() ? 0U : 1U;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char w = wanted.empty() ? '\0' : wanted[i % wanted.size()];
        difference |= static_cast<unsigned char>(given[i] ^ w);
    }
    return difference == 0;
}

class Session {
public:
    Session(const CommandRunner& runner, const TelnetSettings& settings)
        : runner_(runner), settings_(settings) {}

    void run(int fd);

private:
    struct CliDeleter {
        void operator()(cli_def* cli) const { cli_done(cli); }
    };

    void set_up();
    void register_builtins();
    void register_table();
    void register_command(const Command& command, const std::string& word, cli_command* parent);
    void write(std::string_view text);
    void execute(std::string_view line);
    int enable(const char* token);
    void forget_last_line();

    static Session& of(cli_def* cli) { return *static_cast<Session*>(cli_get_context(cli)); }
    static int on_command(cli_def* cli, const char* name, char** words, int count);
    static int on_help(cli_def* cli, const char* name, char** words, int count);
    static int on_enable(cli_def* cli, const char* name, char** words, int count);
    static int on_disable(cli_def* cli, const char* name, char** words, int count);
    static int on_quit(cli_def* cli, const char* name, char** words, int count);
    static void on_print(cli_def* cli, const char* line);
    static int on_complete(cli_def* cli, const char* name, const char* word, cli_comphelp* help);
    static int on_pipe(cli_def* cli, int count, char** words, cli_filter* filter);

    const CommandRunner& runner_;
    const TelnetSettings& settings_;
    std::unique_ptr<cli_def, CliDeleter> cli_;
    std::map<std::string, cli_command*> nodes_; ///< by path
    std::map<const char*, const Command*>
        of_argument_; ///< by the argument name's address in libcli's own struct
    int wrong_tokens_ = 0;
    bool may_change_ = false;
};

bool asks_for_help(char** words, int count) {
    return count > 0 && std::strcmp(words[count - 1], "?") == 0;
}

void Session::run(int fd) {
    if (fd < FD_SETSIZE) {
        cli_.reset(cli_init());
    }
    if (!cli_) {
        ::close(fd);
        return;
    }
    set_up();
    if (cli_loop(cli_.get(), fd) != CLI_OK) { // could not begin: the descriptor is still ours
        ::close(fd);
    }
}

void Session::set_up() {
    cli_def* cli = cli_.get();
    cli_set_context(cli, this);
    cli_set_banner(cli, settings_.banner.c_str());
    cli_set_hostname(cli, "foregate");
    cli_set_idle_timeout(cli, static_cast<unsigned>(settings_.idle_timeout.count()));
    cli_print_callback(cli, on_print);
    register_builtins();
    register_table();
}

void Session::register_builtins() {
    cli_def* cli = cli_.get();
    for (const char* name : {"help", "quit", "logout", "exit", "enable", "disable", "configure"}) {
        cli_unregister_command(cli, name);
    }
    for (const char* name : {"begin", "between", "count", "exclude", "include", "grep", "egrep"}) {
        cli_unregister_filter(cli, name);
    }
    cli_register_command(cli, nullptr, "help", on_help, PRIVILEGE_UNPRIVILEGED, MODE_ANY,
                         "All commands");
    cli_register_command(cli, nullptr, "quit", on_quit, PRIVILEGE_UNPRIVILEGED, MODE_ANY,
                         "Leave the console");
    cli_register_command(cli, nullptr, "exit", on_quit, PRIVILEGE_UNPRIVILEGED, MODE_ANY,
                         "Leave the console");
    cli_register_command(cli, nullptr, "enable", on_enable, PRIVILEGE_UNPRIVILEGED, MODE_ANY,
                         "enable TOKEN: allow changes here");
    cli_register_command(cli, nullptr, "disable", on_disable, PRIVILEGE_PRIVILEGED, MODE_ANY,
                         "Only show again");
    for (const PipeHelp& pipe : pipe_help()) {
        cli_register_filter(
            cli, pipe.name, on_pipe, [](cli_def*, const char*, void*) { return CLI_OK; },
            PRIVILEGE_UNPRIVILEGED, MODE_ANY, pipe.help);
    }
}

void Session::register_table() {
    static const std::set<std::string, std::less<>> kOwn{"help",   "quit",    "exit",
                                                         "enable", "disable", "history"};
    struct Row {
        const Command* command;
        std::vector<std::string> words;
    };
    std::vector<Row> rows;
    for (const auto& command : runner_.table().list()) {
        std::istringstream in(command->path);
        Row row{command.get(), {}};
        for (std::string word; in >> word;) {
            row.words.push_back(word);
        }
        if (!kOwn.contains(row.words.front())) {
            rows.push_back(std::move(row));
        }
    }
    // Short paths first: a node that is a command and has others below it is then made as a
    // command.
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.words.size() < b.words.size(); });
    for (const Row& row : rows) {
        cli_command* parent = nullptr;
        std::string path;
        for (std::size_t i = 0; i + 1 < row.words.size(); ++i) {
            const std::string above = path.empty() ? path : path + ' ';
            path = above + row.words[i];
            cli_command*& node = nodes_[path];
            if (node == nullptr) {
                std::string help;
                for (const Completion& c : runner_.table().complete(above).keywords) {
                    help = c.text == row.words[i] ? c.help : help;
                }
                node = cli_register_command(cli_.get(), parent, row.words[i].c_str(), nullptr,
                                            PRIVILEGE_UNPRIVILEGED, MODE_ANY, help.c_str());
            }
            parent = node;
        }
        register_command(*row.command, row.words.back(), parent);
    }
}

void Session::register_command(const Command& command, const std::string& word,
                               cli_command* parent) {
    cli_command* node =
        cli_register_command(cli_.get(), parent, word.c_str(), on_command, PRIVILEGE_UNPRIVILEGED,
                             MODE_ANY, command.help.c_str());
    nodes_[command.path] = node;
    if (node == nullptr || command.usage.empty()) {
        return;
    }
    const cli_optarg* argument = cli_register_optarg(
        node, command.usage.c_str(), CLI_CMD_ARGUMENT | CLI_CMD_REMAINDER_OF_LINE,
        PRIVILEGE_UNPRIVILEGED, MODE_ANY, command.help.c_str(),
        command.complete ? on_complete : nullptr, nullptr, nullptr);
    if (argument != nullptr) {
        of_argument_[argument->name] = &command;
    }
}

void Session::write(std::string_view text) {
    std::string wire;
    wire.reserve(text.size() + text.size() / 32 + 2);
    for (const char c : text) {
        wire += c == '\n' ? "\r\n" : std::string_view(&c, 1);
    }
    const int fd = ::fileno(cli_->client);
    std::string_view rest = wire;
    while (!rest.empty()) {
        const ssize_t n = ::write(fd, rest.data(), rest.size());
        if (n < 0 && errno != EINTR) {
            return; // the client is gone; the loop will notice
        }
        rest.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
}

void Session::execute(std::string_view line) {
    if (line.ends_with('?') && (line.size() == 1 || line[line.size() - 2] == ' ')) {
        write(runner_.help(line.substr(0, line.size() - 1)));
        return;
    }
    const CommandReply reply =
        runner_.run(line, may_change_ ? ConsoleAccess::full : ConsoleAccess::show_only);
    write(reply.ok ? reply.text : "error: " + reply.error + '\n');
}

int Session::on_command(cli_def* cli, const char*, char**, int) {
    try {
        of(cli).execute(
            cli->pipeline->cmdline); // the raw line: quotes and pipes are the table's business
    } catch (const std::exception&) {
        return CLI_QUIT; // out of memory; nothing may pass through C
    }
    return CLI_OK;
}

int Session::on_help(cli_def* cli, const char*, char**, int) {
    Session& s = of(cli);
    s.write(s.runner_.help("") + "Here also: help, history, enable TOKEN, disable, quit, exit\n");
    return CLI_OK;
}

int Session::on_quit(cli_def* cli, const char*, char** words, int count) {
    if (asks_for_help(words, count)) {
        of(cli).write("leaves the console; the gateway goes on\n");
        return CLI_OK;
    }
    return CLI_QUIT;
}

int Session::on_enable(cli_def* cli, const char*, char** words, int count) {
    if (asks_for_help(words, count)) {
        of(cli).write("TOKEN  the first line of the console's token file\n");
        return CLI_OK;
    }
    return of(cli).enable(count == 1 ? words[0] : nullptr);
}

int Session::on_disable(cli_def* cli, const char*, char**, int) {
    of(cli).may_change_ = false;
    cli_set_privilege(cli, PRIVILEGE_UNPRIVILEGED);
    return CLI_OK;
}

int Session::enable(const char* token) {
    forget_last_line();
    if (token == nullptr) {
        write("error: enable: expected one TOKEN\n");
    } else if (settings_.token.empty()) {
        write("error: enable: no token is configured; use `foregate console`\n");
    } else if (same_token(token, settings_.token)) {
        may_change_ = true;
        cli_set_privilege(cli_.get(), PRIVILEGE_PRIVILEGED);
    } else {
        write("error: enable: wrong token\n");
        return ++wrong_tokens_ >= kMostWrongTokens ? CLI_QUIT : CLI_OK;
    }
    return CLI_OK;
}

/// The token shall not come back with the up key.
void Session::forget_last_line() {
    for (int i = MAX_HISTORY - 1; i >= 0; --i) {
        if (cli_->history[i] != nullptr) {
            std::free(cli_->history[i]);
            cli_->history[i] = nullptr;
            return;
        }
    }
}

/// All of libcli's own output. Where libcli cannot make sense of a line it says so here, before
/// anything ran: then the table is asked, whose answer names the candidates (and which knows forms
/// that libcli does not).
void Session::on_print(cli_def* cli, const char* line) {
    static constexpr std::array<std::string_view, 5> kComplaints{
        "Invalid command", "Incomplete command", "No callback for", "Missing required argument",
        "Empty command"};
    const std::string_view text = line;
    const bool complaint = std::any_of(kComplaints.begin(), kComplaints.end(),
                                       [&](std::string_view c) { return text.starts_with(c); });
    try {
        if (complaint && cli->pipeline != nullptr && cli->pipeline->cmdline != nullptr) {
            of(cli).execute(cli->pipeline->cmdline);
        } else {
            of(cli).write(std::string(text) + '\n');
        }
    } catch (const std::exception&) {
        return; // out of memory: the answer is lost, the console goes on
    }
}

int Session::on_complete(cli_def* cli, const char* name, const char* word, cli_comphelp* help) {
    Session& s = of(cli);
    const auto at = s.of_argument_.find(name);
    if (at == s.of_argument_.end()) {
        return CLI_OK;
    }
    try {
        const std::string partial = word == nullptr ? "" : word;
        for (const std::string& text : s.runner_.complete_argument(*at->second, {}, partial)) {
            const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
                return c > ' ' && c < 0x7f &&
                       std::string_view("\"'\\|?<[").find(c) == std::string_view::npos;
            });
            if (plain && !text.empty() && text.size() <= TelnetInput::kLongestCompletion) {
                cli_add_comphelp_entry(help, text.c_str());
            }
        }
    } catch (const std::exception&) {
        return CLI_ERROR;
    }
    return CLI_OK;
}

/// Pipes are applied by the runner to the value; libcli only needs to know their names.
int Session::on_pipe(cli_def*, int, char**, cli_filter* filter) {
    filter->filter = [](cli_def*, const char*, void*) { return CLI_OK; };
    filter->data = nullptr;
    return CLI_OK;
}

} // namespace

void run_telnet_session(int fd, const CommandRunner& runner, const TelnetSettings& settings) {
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    Session(runner, settings).run(fd);
}

} // namespace foregate::control
