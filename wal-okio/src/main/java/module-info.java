/** An okio file system as a store of the write-ahead log. */
module dev.kwal.okio {
    requires transitive dev.kwal;
    requires transitive kotlin.stdlib;
    requires transitive okio;

    exports dev.kwal.okio;
}
