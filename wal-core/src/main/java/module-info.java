/** A write-ahead log: blocking, in plain Java, without dependencies. */
@SuppressWarnings("module") // The testkit is compiled after this.
module dev.kwal {
    requires static transitive org.jspecify;
    requires static jdk.jfr;

    exports dev.kwal;
    exports dev.kwal.storage;
    exports dev.kwal.storage.disk to
            dev.kwal.testkit;
}
