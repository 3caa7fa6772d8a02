/* The load generator's command line. */
#define _GNU_SOURCE
#include "driver.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct options options = {.members = 1, .publishers = 1, .rooms = 1, .setup_window = 64, .seconds = 1, .drain = 5,
                          .patience = 60, .sample = 1};

void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"port", 1, 0, 'p'},         {"wire", 1, 0, 'w'},     {"members", 1, 0, 'm'},  {"publishers", 1, 0, 'u'},
        {"rooms", 1, 0, 'r'},        {"in-flight", 1, 0, 'f'}, {"rate", 1, 0, 'R'},     {"warmup", 1, 0, 'W'},
        {"seconds", 1, 0, 's'},      {"messages", 1, 0, 'n'}, {"drain", 1, 0, 'd'},    {"patience", 1, 0, 'P'},
        {"setup-window", 1, 0, 'S'}, {"sample", 1, 0, 'a'},   {"members-publish", 0, 0, 'M'},
        {"login-only", 0, 0, 'L'},   {"hold", 0, 0, 'H'},     {0, 0, 0, 0}};
    int which;
    while ((which = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (which) {
        case 'p': options.port = atoi(optarg); break;
        case 'w':
            for (int i = 0; wires[i]; i++)
                if (strcmp(wires[i]->name, optarg) == 0) options.wire = wires[i];
            break;
        case 'm': options.members = atoi(optarg); break;
        case 'u': options.publishers = atoi(optarg); break;
        case 'r': options.rooms = atoi(optarg); break;
        case 'f': options.in_flight = atoi(optarg); break;
        case 'R': options.rate = atof(optarg); break;
        case 'W': options.warmup = atof(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'n': options.messages = atol(optarg); break;
        case 'd': options.drain = atof(optarg); break;
        case 'P': options.patience = atof(optarg); break;
        case 'S': options.setup_window = atoi(optarg); break;
        case 'a': options.sample = atoi(optarg); break;
        case 'M': options.members_publish = true; break;
        case 'L': options.login_only = true; break;
        case 'H': options.hold = true; break;
        default: exit(2);
        }
    }
    if (!options.wire) fatal("--wire is one of hubbub, chat, resp, nats");
    if (options.port <= 0 || options.port > 65535) fatal("--port is missing");
    if (options.rooms < 1 || options.members < 1 || options.members % options.rooms) fatal("rooms must be of equal size");
    if (options.publishers < options.rooms || options.publishers % options.rooms) fatal("each room needs as many publishers");
    if (options.members_publish && options.publishers > options.members) fatal("more publishers than members");
    if ((options.in_flight > 0) == (options.rate > 0) && !options.hold) fatal("either --in-flight or --rate");
    if (options.setup_window < 1 || options.sample < 1) fatal("--setup-window and --sample begin at 1");
}
