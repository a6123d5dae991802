package dev.kwal.coroutines

import com.code_intelligence.jazzer.api.FuzzedDataProvider
import com.code_intelligence.jazzer.junit.FuzzTest
import com.sun.management.ThreadMXBean
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.cbor.Cbor
import kotlinx.serialization.json.Json
import kotlinx.serialization.protobuf.ProtoBuf
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer

private const val MAX_ALLOCATED_BYTES = 32L shl 20

private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

private val REFUSAL = Regex("""cannot be decoded: [\w.$]+( of \[[a-zA-Z, ]+])?""")

/** Any bytes as a record of values: decoded, or refused without a word of what it holds. */
@OptIn(ExperimentalSerializationApi::class)
class CodecFuzzTest {
    private val codecs = listOf(
        Json.recordCodec<Tree>(),
        Cbor.recordCodec<Tree>(),
        ProtoBuf.recordCodec<Tree>(),
    )

    @FuzzTest
    fun record(choices: FuzzedDataProvider) {
        val codec = codecs[choices.consumeInt(0, codecs.size - 1)]
        val record = choices.consumeRemainingAsBytes()
        val value = decoded { codec.decode(ByteBuffer.wrap(record)) }
        val allocated = threads.currentThreadAllocatedBytes
        check(decoded { codec.decode(ByteBuffer.wrap(record)) } == value) { "decoded twice to two values" }
        val bytes = threads.currentThreadAllocatedBytes - allocated
        check(bytes < MAX_ALLOCATED_BYTES) { "$bytes bytes allocated for a record of ${record.size}" }
    }

    private fun decoded(decode: () -> Tree): Tree? = try {
        decode()
    } catch (e: SerializationException) {
        check(e.cause == null && REFUSAL.matches("${e.message}")) { "says too much: ${e.message}" }
        null
    }
}

@Serializable
internal data class Tree(
    val name: String,
    val kind: Kind = Kind.LEAF,
    val weight: Double? = null,
    val tags: List<String> = emptyList(),
    val counts: Map<String, Long> = emptyMap(),
    val children: List<Tree> = emptyList(),
)

internal enum class Kind { LEAF, BRANCH }
