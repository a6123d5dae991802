package dev.kwal

import com.code_intelligence.jazzer.junit.FuzzTest

/** Any bytes as a header, with the checksum as it is and with the right one. */
class HeaderFuzzTest {
    @FuzzTest
    fun header(bytes: ByteArray) {
        check(bytes)
        check(EditedSegment(bytes.copyOf()).also { it.repairHeader() }.bytes)
    }

    private fun check(segment: ByteArray) {
        val header = headerIn(segment)
        if (header != null) {
            check(Format.salt(header) == EditedSegment(segment).salt) { "the salt is not the checksum of the header" }
        }
        HostileLog(mapOf(1L to segment), SMALL_SEGMENTS).check()
    }
}
