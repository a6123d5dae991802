/** A simulated disk that loses its power, and a runner of scenarios over all crash points. */
module dev.kwal.testkit {
    requires transitive dev.kwal;
    requires transitive kotlin.stdlib;
    requires static transitive okio;
    requires static transitive org.junit.jupiter.api;

    exports dev.kwal.testkit;
}
