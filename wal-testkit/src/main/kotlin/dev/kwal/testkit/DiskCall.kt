package dev.kwal.testkit

import java.io.IOException
import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.Path
import java.util.Collections
import java.util.EnumSet

/** What programs ask of a disk. */
public enum class DiskCall {
    CREATE,
    OPEN,
    READ,
    WRITE,
    SIZE,
    TRUNCATE,
    SYNC,
    CLOSE,
    RENAME,
    LINK,
    DELETE,
    KIND,
    LIST,
    CREATE_DIRECTORY,
    SYNC_DIRECTORY,
    LOCK,
    ;

    public companion object {
        /** Every call. */
        @JvmField
        public val ALL: Set<DiskCall> = setOf(*entries.toTypedArray())

        /** The calls between which a crash can make a difference. */
        @JvmField
        public val MUTATIONS: Set<DiskCall> =
            setOf(CREATE, WRITE, TRUNCATE, SYNC, RENAME, LINK, DELETE, CREATE_DIRECTORY, SYNC_DIRECTORY, LOCK)

        /** The calls that can be short. */
        @JvmField
        public val TRANSFERS: Set<DiskCall> = setOf(READ, WRITE)

        private fun setOf(vararg calls: DiskCall): Set<DiskCall> =
            Collections.unmodifiableSet(EnumSet.noneOf(DiskCall::class.java).apply { addAll(calls) })
    }
}

/** Sees the calls of a [SimulatedDisk]. */
public fun interface CallWatcher {
    /**
     * Called before a call is done, under the monitor of the disk. May take images, and may throw in its place.
     *
     * @param index counts the calls of the disk, from 1 on
     */
    @Throws(IOException::class)
    public fun beforeCall(call: DiskCall, path: Path, index: Int)
}

/** Makes the exception with which a call fails. */
public fun interface FailureAt {
    /** The exception for a call on this path. */
    public fun at(path: Path): IOException
}

/** The failures of real disks, with the exceptions and messages that the JDK makes of them on Linux. */
public enum class DiskFailure(private val message: String) : FailureAt {
    /** EIO. */
    IO("Input/output error"),

    /** ENOSPC. */
    NO_SPACE("No space left on device"),

    /** EMFILE. */
    TOO_MANY_FILES("Too many open files"),

    /** EDQUOT. */
    QUOTA("Disk quota exceeded"),

    /** EACCES. */
    ACCESS_DENIED("Permission denied"),
    ;

    override fun at(path: Path): IOException = when (this) {
        ACCESS_DENIED -> AccessDeniedException("$path")
        else -> FileSystemException("$path", null, message)
    }
}
