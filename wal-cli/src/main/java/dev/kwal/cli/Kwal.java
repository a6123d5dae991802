package dev.kwal.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command of commands. */
@Command(
        name = "kwal",
        header = "looks into write-ahead logs, checks, copies and salvages them",
        description = {
            "A log is a directory of segments, @|bold 00000000000000000001.wal|@ and so on. All commands read it without a"
                    + " lock and without changing anything, so they work beside the program that has it open. What they"
                    + " tell of a log in use is a snapshot: records are shown when the log itself proves that they"
                    + " survive a loss of power.",
        },
        footer = {
            "  kwal info /var/lib/orders",
            "  kwal dump --from 1000 --format json /var/lib/orders | jq .text",
            "  kwal verify /var/lib/orders || kwal salvage /var/lib/orders /var/lib/orders.salvaged",
        },
        subcommands = {
            InfoCommand.class,
            LsCommand.class,
            DumpCommand.class,
            TailCommand.class,
            VerifyCommand.class,
            BackupCommand.class,
            SalvageCommand.class,
        })
final class Kwal implements Runnable {
    @Spec
    private CommandSpec spec;

    private final Output output;

    Kwal(Output output) {
        this.output = output;
    }

    Output output() {
        return output;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which command?");
    }
}
