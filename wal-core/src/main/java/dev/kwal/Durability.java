package dev.kwal;

/** What a record has to survive before a call returns. Named by what is lost, in rising order. */
public enum Durability {
    /** In the memory of this process. Lost if the process dies; handed to the operating system within the flush interval. */
    BUFFERED,
    /** In the operating system. Survives {@code kill -9} and a crash of the JVM; lost if the machine loses power. */
    WRITTEN,
    /** On the medium. Survives a loss of power, as far as the medium honours flushes. */
    SYNCED
}
