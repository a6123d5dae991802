/** The metrics of the write-ahead log as meters of Micrometer. */
module dev.kwal.micrometer {
    requires transitive dev.kwal;
    requires transitive micrometer.core;
    requires static org.jspecify;

    exports dev.kwal.micrometer;
}
