/** The suspending write-ahead log. */
module dev.kwal.coroutines {
    requires transitive dev.kwal;
    requires transitive kotlin.stdlib;
    requires transitive kotlinx.coroutines.core;
    requires static transitive kotlinx.serialization.core;

    exports dev.kwal.coroutines;
}
