package dev.kwal

import com.code_intelligence.jazzer.junit.FuzzTest

/** Any bytes as the frames of a segment, with the checksums as they are and with the right ones. */
class SegmentFuzzTest {
    @FuzzTest
    fun frames(frames: ByteArray) {
        val segment = Format.encodeHeader(SegmentHeader(1, 2, 1, 1)).array() + frames
        HostileLog(mapOf(1L to segment), SMALL_SEGMENTS).check()
        val believed = EditedSegment(segment).also { it.repair() }.bytes
        HostileLog(mapOf(1L to believed), SMALL_SEGMENTS).check()
    }
}
