import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Breaks the code in one way after the other and shows which test notices: {@code java mutations/Mutations.java [NAME…]}.
 *
 * <p>Each {@code mutations/NAME.patch} begins with a line {@code What:} and a line {@code Tests:}, which names a module and
 * the specs to run, of that module or of those before it. Works on a clone of what is committed, below
 * {@code target/mutations}, and writes the table that {@code docs/reliability.md} shows beside it. Exits with 1 if a mutation
 * survives, or if it is not known whether it does: a run that takes too long, or whose process dies, decides nothing.
 *
 * <p>The clone is built once for each commit. What is broken is compiled by itself and put before the rest on the class path.
 * Each spec is first seen to pass without it.
 */
public final class Mutations {
    /** A test that waits for so long waits for ever. */
    private static final long LIMIT_MINUTES = 8;

    private static final long BUILD_LIMIT_MINUTES = 60;

    private static final List<String> MODULES = List.of("wal-core", "wal-okio", "wal-coroutines", "wal-testkit");
    private static final String LAUNCHER = "org.junit.platform:junit-platform-console-standalone:6.1.3";
    private static final Pattern FAILED =
            Pattern.compile("<testcase name=\"([^\"]*)\" classname=\"([^\"]*)\"[^>]*[^/]>\\s*<(?:failure|error)");

    private static final Path WORK = Path.of("target", "mutations").toAbsolutePath();
    private static final Path TREE = WORK.resolve("tree");
    private static final Path BUILT = WORK.resolve("built.txt");
    private static final Path LOG = WORK.resolve("log.txt");
    private static final Path BROKEN = WORK.resolve("broken");
    private static final Path REPORTS = WORK.resolve("reports");

    private static final String SURVIVED = "**nothing**";
    private static final String UNDECIDED = "**not decided**: a run was not over in " + LIMIT_MINUTES + " minutes, or died";

    /** Specs that were seen to pass while nothing is broken. */
    private static final Set<String> PASSING = new HashSet<>();

    private record Mutation(String name, String what, String module, List<String> specs, Path patch) {
        static Mutation read(Path patch) throws IOException {
            var lines = Files.readAllLines(patch);
            var tests = lines.get(1).replaceFirst("^Tests: *", "").split(" ", 2);
            var name = patch.getFileName().toString().replaceFirst("\\.patch$", "");
            var specs = List.of(tests[1].split(","));
            return new Mutation(name, lines.get(0).replaceFirst("^What: *", ""), tests[0], specs, patch);
        }

        /** The files it breaks. */
        List<String> files() throws IOException {
            return Files.readAllLines(patch).stream()
                    .filter(line -> line.startsWith("+++ b/"))
                    .map(line -> line.substring("+++ b/".length()))
                    .toList();
        }

        boolean isJava() throws IOException {
            return files().stream().allMatch(file -> file.endsWith(".java"));
        }
    }

    private Mutations() {}

    public static void main(String... names) throws IOException, InterruptedException {
        Files.createDirectories(WORK);
        Files.deleteIfExists(LOG);
        if (!Files.exists(BUILT) || !commitOf(Path.of("")).equals(Files.readString(BUILT))) {
            build();
        }
        check(run(1, "git", "checkout", "-q", "."), "cannot clean the clone");

        var rows = new ArrayList<>(List.of("| mutation | what is broken | found by |", "|---|---|---|"));
        boolean isEachFound = true;
        for (var mutation : mutations(List.of(names))) {
            var finders = findersOf(mutation);
            isEachFound &= !finders.startsWith("**");
            var row = "| `%s` | %s | %s |".formatted(mutation.name(), mutation.what(), finders);
            rows.add(row);
            System.out.println(row);
            Files.write(WORK.resolve("table.md"), rows);
        }
        System.exit(isEachFound ? 0 : 1);
    }

    private static void build() throws IOException, InterruptedException {
        delete(TREE);
        check(run(1, "git", "clone", "-q", ".", TREE.toString()), "cannot clone");
        check(
                maven(
                        BUILD_LIMIT_MINUTES,
                        "test-compile",
                        "dependency:build-classpath",
                        "-Dmdep.outputFile=target/classpath.txt",
                        "-Dmdep.includeScope=test",
                        "-pl",
                        String.join(",", MODULES)),
                "does not build as it is");
        check(
                maven(
                        BUILD_LIMIT_MINUTES,
                        "dependency:copy",
                        "-N",
                        "-Dartifact=" + LAUNCHER,
                        "-DoutputDirectory=" + WORK),
                "has no launcher");
        Files.writeString(BUILT, commitOf(TREE));
    }

    private static String commitOf(Path tree) throws IOException {
        var git = new ProcessBuilder("git", "rev-parse", "HEAD")
                .directory(tree.toAbsolutePath().toFile())
                .start();
        return new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Those that are quick to try come first. */
    private static List<Mutation> mutations(List<String> names) throws IOException {
        var java = new ArrayList<Mutation>();
        var kotlin = new ArrayList<Mutation>();
        try (var files = Files.list(Path.of("mutations"))) {
            for (var file : files.filter(it -> it.toString().endsWith(".patch")).sorted().toList()) {
                var mutation = Mutation.read(file.toAbsolutePath());
                if (names.isEmpty() || names.contains(mutation.name())) {
                    (mutation.isJava() ? java : kotlin).add(mutation);
                }
            }
        }
        java.addAll(kotlin);
        return java;
    }

    /** The tests that fail, or how else it ended. */
    private static String findersOf(Mutation mutation) throws IOException, InterruptedException {
        for (var spec : mutation.specs()) {
            var module = moduleOf(spec, mutation.module());
            if (PASSING.add(module + spec)) {
                check(finders(module, spec, "").equals(SURVIVED), spec + " fails although nothing is broken");
            }
        }
        makeBroken(mutation);
        for (var spec : mutation.specs()) {
            var finders = finders(moduleOf(spec, mutation.module()), spec, BROKEN + File.pathSeparator);
            if (!finders.equals(SURVIVED)) {
                return finders;
            }
        }
        return SURVIVED;
    }

    /** Compiles what is broken; the clone is whole again afterwards. */
    private static void makeBroken(Mutation mutation) throws IOException, InterruptedException {
        delete(BROKEN);
        check(run(1, "git", "apply", mutation.patch().toString()), mutation.name() + " does not apply");
        try {
            if (mutation.isJava()) {
                compileJava(mutation);
            } else {
                check(compileKotlin(mutation), mutation.name() + " does not compile");
                var classes = TREE.resolve(mutation.module()).resolve("target/classes");
                check(run(1, "cp", "-r", classes.toString(), BROKEN.toString()), "cannot copy " + classes);
            }
        } finally {
            check(run(1, "git", "apply", "-R", mutation.patch().toString()), mutation.name() + " cannot be taken back");
            check(mutation.isJava() || compileKotlin(mutation), "does not compile any more");
        }
    }

    private static void compileJava(Mutation mutation) throws IOException, InterruptedException {
        Files.createDirectories(BROKEN);
        var javac = new ArrayList<>(List.of(
                "javac", "-nowarn", "-proc:none", "-d", BROKEN.toString(), "-cp", classpath("wal-core")));
        for (var file : mutation.files()) {
            javac.add(TREE.resolve(file).toString());
        }
        check(run(1, javac.toArray(String[]::new)), mutation.name() + " does not compile");
    }

    private static boolean compileKotlin(Mutation mutation) throws IOException, InterruptedException {
        return maven(BUILD_LIMIT_MINUTES, "compile", "-pl", mutation.module(), "-am");
    }

    private static String finders(String module, String spec, String broken) throws IOException, InterruptedException {
        delete(REPORTS);
        var found = run(
                LIMIT_MINUTES,
                TREE.resolve(module),
                "java",
                "-Xmx512m",
                "-cp",
                broken + classpath(module) + File.pathSeparator + launcher(),
                "org.junit.platform.console.ConsoleLauncher",
                "execute",
                "--disable-banner",
                "--details=none",
                "--reports-dir=" + REPORTS,
                "--select-class=" + classOf(module, spec));
        return found ? SURVIVED : failedTests(REPORTS);
    }

    /** The mutation's own, or the first that has the spec. */
    private static String moduleOf(String spec, String own) throws IOException {
        for (var module : Stream.concat(Stream.of(own), MODULES.stream()).toList()) {
            if (classOf(module, spec) != null) {
                return module;
            }
        }
        throw new IllegalStateException("there is no " + spec);
    }

    private static String classOf(String module, String spec) throws IOException {
        var classes = TREE.resolve(module).resolve("target/test-classes");
        var file = spec.replace('.', '/') + ".class";
        try (var files = Files.walk(classes)) {
            return files.filter(it -> it.endsWith(file) || classes.relativize(it).toString().equals(file))
                    .map(it -> classes.relativize(it).toString())
                    .map(it -> it.substring(0, it.length() - ".class".length()).replace('/', '.'))
                    .findFirst()
                    .orElse(null);
        }
    }

    private static String classpath(String module) throws IOException {
        var target = TREE.resolve(module).resolve("target");
        return String.join(
                File.pathSeparator,
                target.resolve("test-classes").toString(),
                target.resolve("classes").toString(),
                Files.readString(target.resolve("classpath.txt")).strip());
    }

    private static String launcher() {
        var parts = LAUNCHER.split(":");
        return WORK.resolve(parts[1] + "-" + parts[2] + ".jar").toString();
    }

    private static String failedTests(Path reports) throws IOException {
        var failed = new ArrayList<String>();
        for (var report : reports(reports)) {
            var results = FAILED.matcher(Files.readString(report));
            while (results.find()) {
                var spec = results.group(2).substring(results.group(2).lastIndexOf('.') + 1);
                failed.add("`" + spec + "`: " + results.group(1).replace("|", "\\|"));
            }
        }
        if (failed.isEmpty()) {
            return UNDECIDED;
        }
        return failed.get(0) + (failed.size() > 1 ? ", and " + (failed.size() - 1) + " more" : "");
    }

    private static List<Path> reports(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (var files = Files.walk(directory)) {
            return files.filter(it -> it.toString().endsWith(".xml")).sorted().toList();
        }
    }

    private static void delete(Path directory) throws IOException, InterruptedException {
        check(run(1, WORK, "rm", "-rf", directory.toString()), "cannot delete " + directory);
    }

    private static boolean maven(long limitMinutes, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(TREE.resolve("mvnw").toString(), "-q", "-B"));
        command.addAll(List.of(arguments));
        command.addAll(List.of(
                "-Dspotless.check.skip",
                "-Ddetekt.skip",
                "-Djavac.werror=-g",
                "-Dsurefire.failIfNoSpecifiedTests=false"));
        return run(limitMinutes, command.toArray(String[]::new));
    }

    /** Runs to the end, in the clone once there is one. */
    private static boolean run(long limitMinutes, String... command) throws IOException, InterruptedException {
        return run(limitMinutes, Files.isDirectory(TREE) ? TREE : Path.of(""), command);
    }

    /** Runs to the end. What it prints goes to the log. */
    private static boolean run(long limitMinutes, Path directory, String... command)
            throws IOException, InterruptedException {
        var options = new StandardOpenOption[] {StandardOpenOption.CREATE, StandardOpenOption.APPEND};
        Files.writeString(LOG, "\n$ " + String.join(" ", command) + "\n", options);
        var process = new ProcessBuilder(command)
                .directory(directory.toAbsolutePath().toFile())
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
