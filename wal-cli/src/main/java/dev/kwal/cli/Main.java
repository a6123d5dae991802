package dev.kwal.cli;

import picocli.CommandLine;

/** Where the program begins and ends. */
public final class Main {
    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String... arguments) {
        int code = ExitCode.BUG;
        try {
            code = commandLine(Output.standard()).execute(arguments);
        } catch (Throwable t) {
            Failures.print(t);
        }
        System.exit(code);
    }

    private static CommandLine commandLine(Output output) {
        var line = new CommandLine(new Kwal(output));
        line.setOut(output.writer());
        line.setErr(Failures.writer());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler(Failures::handle);
        line.setParameterExceptionHandler(Failures::handle);
        ManualPage.layOut(line);
        return line;
    }
}
