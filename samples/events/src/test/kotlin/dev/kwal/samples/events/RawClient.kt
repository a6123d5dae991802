package dev.kwal.samples.events

import java.io.BufferedInputStream
import java.io.BufferedReader
import java.io.ByteArrayOutputStream
import java.io.Closeable
import java.io.EOFException
import java.io.InputStream
import java.net.InetSocketAddress
import java.net.Socket
import java.net.URI

/** A client that says when it sends which byte, and when it reads. */
internal class RawClient(uri: URI, receiveBytes: Int? = null) : Closeable {
    private val socket = Socket()

    init {
        socket.soTimeout = GUARD.toMillis().toInt()
        receiveBytes?.let { socket.receiveBufferSize = it }
        socket.connect(InetSocketAddress(uri.host, uri.port))
    }

    private val input = BufferedInputStream(socket.getInputStream())

    fun send(text: String) {
        socket.getOutputStream().write(text.toByteArray())
        socket.getOutputStream().flush()
    }

    /** The status of an answer, after all its headers. */
    fun readStatus(): Int {
        val status = readLine().split(' ')[1].toInt()
        while (readLine().isNotEmpty()) continue
        return status
    }

    /** What comes, up to and including this character. */
    fun readThrough(end: Char): String = buildString {
        do append(input.read().also { if (it == -1) throw EOFException(toString()) }.toChar()) while (last() != end)
    }

    /** The body of an answer, which comes in chunks and has no end. */
    fun endlessBody(): BufferedReader = object : InputStream() {
        private var left = 0

        override fun read(): Int = error("read by lines")

        override fun read(target: ByteArray, offset: Int, length: Int): Int {
            if (left == 0) left = readLine().toInt(16)
            val count = input.read(target, offset, length.coerceAtMost(left))
            left -= count
            if (left == 0) readLine()
            return count
        }
    }.bufferedReader()

    private fun readLine(): String {
        val line = ByteArrayOutputStream()
        while (true) {
            when (val byte = input.read()) {
                -1 -> throw EOFException("$line")
                '\r'.code -> input.read().also { return line.toString() }
                else -> line.write(byte)
            }
        }
    }

    override fun close() = socket.close()
}
