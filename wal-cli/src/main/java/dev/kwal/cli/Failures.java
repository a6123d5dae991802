package dev.kwal.cli;

import dev.kwal.WalCorruptedException;
import dev.kwal.WalFormatException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Says on the error stream what went wrong, in one line, and which exit code that makes. */
final class Failures {
    private static final PrintWriter ERRORS = new PrintWriter(
            new OutputStreamWriter(new FileOutputStream(FileDescriptor.err), StandardCharsets.UTF_8), true);

    private Failures() {}

    static PrintWriter writer() {
        return ERRORS;
    }

    /** For what a command throws. */
    static int handle(Exception failure, CommandLine command, ParseResult parsed) {
        int code = codeOf(failure);
        if (code == ExitCode.BUG) {
            print(failure);
        } else if (code != ExitCode.OUTPUT_CLOSED) {
            ERRORS.println(command.getCommandSpec().qualifiedName() + ": " + textOf(failure));
        }
        return code;
    }

    /** For a command line that cannot be understood. */
    static int handle(ParameterException failure, String[] arguments) {
        var name = failure.getCommandLine().getCommandSpec().qualifiedName();
        ERRORS.println(name + ": " + failure.getMessage());
        ERRORS.println("'" + name + " --help' tells what is understood");
        return ExitCode.USAGE;
    }

    /** For what nobody expects. */
    static void print(Throwable failure) {
        failure.printStackTrace(ERRORS);
    }

    private static int codeOf(Exception failure) {
        if (failure instanceof OutputClosedException) {
            return ExitCode.OUTPUT_CLOSED;
        }
        if (failure instanceof WalCorruptedException) {
            return ExitCode.DAMAGED;
        }
        if (failure instanceof WalFormatException || failure instanceof RefusedException) {
            return ExitCode.REFUSED;
        }
        if (failure instanceof UsageException) {
            return ExitCode.USAGE;
        }
        return failure instanceof IOException ? ExitCode.IO : ExitCode.BUG;
    }

    private static String textOf(Exception failure) {
        var message = failure.getMessage();
        if (failure instanceof NoSuchFileException) {
            return "no such file or directory: " + message;
        }
        if (failure instanceof FileAlreadyExistsException) {
            return "exists already: " + message;
        }
        if (failure instanceof AccessDeniedException) {
            return "permission denied: " + message;
        }
        if (failure instanceof NotDirectoryException) {
            return "not a directory: " + message;
        }
        return message == null ? failure.toString() : message;
    }
}
