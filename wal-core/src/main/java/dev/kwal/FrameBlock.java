package dev.kwal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Memory that frames are read into, on the heap: the same bytes as an array and as a buffer. */
final class FrameBlock {
    final byte[] array;

    /** Its limit says how many bytes were read. */
    final ByteBuffer bytes;

    FrameBlock(int capacity) {
        array = new byte[capacity];
        bytes = ByteBuffer.wrap(array).order(ByteOrder.LITTLE_ENDIAN);
    }
}
