/** A user's module, in plain Java. */
module org.example.consumer {
    requires dev.kwal;
}
