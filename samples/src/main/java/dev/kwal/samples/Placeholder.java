package dev.kwal.samples;

/** Stands here until the samples do. */
final class Placeholder {
    private Placeholder() {}
}
