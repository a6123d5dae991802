/** A write-ahead log: blocking, in plain Java, without dependencies. */
module dev.kwal {
    requires static transitive org.jspecify;

    exports dev.kwal;
    exports dev.kwal.storage;
}
