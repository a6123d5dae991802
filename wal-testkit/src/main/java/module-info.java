/** A simulated disk that loses its power, and a runner of scenarios over all crash points. */
module dev.kwal.testkit {
    requires transitive dev.kwal;
    requires transitive kotlin.stdlib;

    exports dev.kwal.testkit;
}
