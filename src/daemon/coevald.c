/* coevald.c: the daemon's command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/daemon.h"

static const char usage[] =
    "usage: coevald --config FILE [--check-config]\n"
    "\n"
    "  --config FILE    configuration (YAML; doc/configuration.md)\n"
    "  --check-config   read and check it, say nothing when it is good, and end\n"
    "  --version        print the version and end\n"
    "  --help           print this and end\n"
    "\n"
    "Exit status: 0 ended by SIGTERM or SIGINT; 1 could not start, or lost its journal;\n"
    "2 bad usage or configuration.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check-config", no_argument, NULL, 'k'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    bool check_only = false;
    for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (option == 'c')
            path = optarg;
        else if (option == 'k')
            check_only = true;
        else if (option == 'v')
            return printf("coevald %s\n", COEVAL_VERSION) < 0;
        else if (option == 'h')
            return fputs(usage, stdout) < 0;
        else
            return fputs(usage, stderr), 2;
    }
    if (path == NULL || optind != argc)
        return fputs(usage, stderr), 2;
    struct config config;
    struct error error = ERROR_NONE;
    if (!config_read(path, daemon_check_instance, &config, &error)) {
        fprintf(stderr, "coevald: %s\n", error.text);
        return 2;
    }
    int status = 0;
    if (!check_only) {
        struct daemon *daemon;
        log_set_level(config.log_level);
        log_set_json(config.log_json);
        if (daemon_new(&config, &daemon, &error)) {
            status = daemon_run(daemon);
            daemon_free(daemon);
        } else {
            fprintf(stderr, "coevald: %s\n", error.text);
            status = 1;
        }
    }
    config_fini(&config);
    return status;
}
