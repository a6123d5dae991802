package dev.kwal.samples;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Runs what the README shows, and looks at what it printed and at what it came with. */
final class Main {
    private static final List<String> EXPECTED = List.of("1: order 1 paid", "2: order 1 packed");

    private Main() {}

    public static void main(String[] args) throws IOException {
        checkIsWithoutKotlin();
        checkEquals(EXPECTED, printedBy(Path.of(args[0])));
    }

    private static List<String> printedBy(Path directory) throws IOException {
        var out = System.out;
        var bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true));
        try {
            QuickStartInJava.run(directory);
        } finally {
            System.setOut(out);
        }
        return bytes.toString().lines().toList();
    }

    /** The core brings itself and annotations, and nothing else. */
    private static void checkIsWithoutKotlin() {
        var isModule = Main.class.getModule().isNamed();
        var path = System.getProperty(isModule ? "jdk.module.path" : "java.class.path");
        var jars = Arrays.stream(path.split(File.pathSeparator))
                .map(entry -> Path.of(entry).getFileName().toString())
                .filter(name -> name.endsWith(".jar"))
                .map(name -> name.replaceFirst("-\\d.*", ""))
                .sorted()
                .toList();
        checkEquals(List.of("jspecify", "wal-core"), jars);
        try {
            throw new AssertionError(Class.forName("kotlin.Unit") + " is there");
        } catch (ClassNotFoundException e) {
            System.out.println("without Kotlin, on the " + (isModule ? "module" : "class") + " path: " + path);
        }
    }

    private static void checkEquals(Object expected, Object found) {
        if (!expected.equals(found)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }
}
