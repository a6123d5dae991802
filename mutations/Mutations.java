import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Breaks the code in one way after the other and shows which test notices: {@code java mutations/Mutations.java [NAME…]}.
 *
 * <p>Each {@code mutations/NAME.patch} begins with a line {@code What:} and a line {@code Tests:}, which names a module and
 * the specs to run there. Works on a clone of what is committed, below {@code target/mutations}, and writes the table that
 * {@code docs/reliability.md} shows beside it. Exits with 1 if a mutation survives or cannot be tried.
 */
public final class Mutations {
    /** A test that waits for so long waits for ever. */
    private static final long LIMIT_MINUTES = 8;

    private static final Pattern FAILED =
            Pattern.compile("<testcase name=\"([^\"]*)\" classname=\"([^\"]*)\"[^>]*[^/]>\\s*<(?:failure|error)");

    private static final Path WORK = Path.of("target", "mutations").toAbsolutePath();
    private static final Path TREE = WORK.resolve("tree");
    private static final Path LOG = WORK.resolve("log.txt");

    private record Mutation(String name, String what, String module, String specs, Path patch) {
        static Mutation read(Path patch) throws IOException {
            var lines = Files.readAllLines(patch);
            var tests = lines.get(1).replaceFirst("^Tests: *", "").split(" ", 2);
            var name = patch.getFileName().toString().replaceFirst("\\.patch$", "");
            return new Mutation(name, lines.get(0).replaceFirst("^What: *", ""), tests[0], tests[1], patch);
        }
    }

    private Mutations() {}

    public static void main(String... names) throws IOException, InterruptedException {
        Files.createDirectories(WORK);
        Files.deleteIfExists(LOG);
        if (Files.exists(TREE)) {
            check(run(1, "rm", "-rf", TREE.toString()), "cannot delete the tree of an earlier run");
        }
        check(run(1, "git", "clone", "-q", ".", TREE.toString()), "cannot clone");
        check(maven("test-compile"), "does not build as it is");

        var rows = new ArrayList<>(List.of("| mutation | what is broken | found by |", "|---|---|---|"));
        boolean isEachFound = true;
        for (var mutation : mutations(List.of(names))) {
            var finders = findersOf(mutation);
            isEachFound &= !finders.isEmpty();
            var row = "| `%s` | %s | %s |"
                    .formatted(mutation.name(), mutation.what(), finders.isEmpty() ? "**nothing**" : finders);
            rows.add(row);
            System.out.println(row);
            Files.write(WORK.resolve("table.md"), rows);
        }
        System.exit(isEachFound ? 0 : 1);
    }

    private static List<Mutation> mutations(List<String> names) throws IOException {
        try (var files = Files.list(Path.of("mutations"))) {
            var found = new ArrayList<Mutation>();
            for (var file : files.filter(it -> it.toString().endsWith(".patch")).sorted().toList()) {
                var mutation = Mutation.read(file.toAbsolutePath());
                if (names.isEmpty() || names.contains(mutation.name())) {
                    found.add(mutation);
                }
            }
            return found;
        }
    }

    /** The tests that fail, or how else the run ended; empty if it passed. */
    private static String findersOf(Mutation mutation) throws IOException, InterruptedException {
        check(run(1, "git", "apply", mutation.patch().toString()), mutation.name() + " does not apply");
        try {
            check(maven("test-compile", "-pl", mutation.module(), "-am"), mutation.name() + " does not compile");
            for (var report : reports()) {
                Files.delete(report);
            }
            var test = "-Dtest=" + mutation.specs();
            return maven("test", "-pl", mutation.module(), "-am", test) ? "" : failedTests();
        } finally {
            check(run(1, "git", "apply", "-R", mutation.patch().toString()), mutation.name() + " cannot be taken back");
        }
    }

    private static String failedTests() throws IOException {
        var failed = new ArrayList<String>();
        for (var report : reports()) {
            var results = FAILED.matcher(Files.readString(report));
            while (results.find()) {
                var spec = results.group(2).substring(results.group(2).lastIndexOf('.') + 1);
                failed.add("`" + spec + "`: " + results.group(1).replace("|", "\\|"));
            }
        }
        if (failed.isEmpty()) {
            return "a run that was not over in " + LIMIT_MINUTES + " minutes, or whose process died";
        }
        return failed.get(0) + (failed.size() > 1 ? ", and " + (failed.size() - 1) + " more" : "");
    }

    private static List<Path> reports() throws IOException {
        try (var files = Files.walk(TREE)) {
            return files.filter(it -> it.toString().endsWith(".xml"))
                    .filter(it -> it.getParent().endsWith("surefire-reports"))
                    .sorted()
                    .toList();
        }
    }

    private static boolean maven(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(TREE.resolve("mvnw").toString(), "-q", "-B"));
        command.addAll(List.of(arguments));
        command.addAll(List.of(
                "-Dspotless.check.skip",
                "-Ddetekt.skip",
                "-Djavac.werror=-g",
                "-Dsurefire.failIfNoSpecifiedTests=false"));
        return run(LIMIT_MINUTES, command.toArray(String[]::new));
    }

    /** Runs to the end, in the clone once there is one. What it prints goes to the log. */
    private static boolean run(long limitMinutes, String... command) throws IOException, InterruptedException {
        var options = new StandardOpenOption[] {StandardOpenOption.CREATE, StandardOpenOption.APPEND};
        Files.writeString(LOG, "\n$ " + String.join(" ", command) + "\n", options);
        var process = new ProcessBuilder(command)
                .directory(Files.isDirectory(TREE) && !command[0].equals("rm") ? TREE.toFile() : null)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(LOG.toFile()))
                .start();
        if (!process.waitFor(limitMinutes, TimeUnit.MINUTES)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
            return false;
        }
        return process.exitValue() == 0;
    }

    private static void check(boolean isDone, String what) {
        if (!isDone) {
            throw new IllegalStateException(what + "; see " + LOG);
        }
    }
}
