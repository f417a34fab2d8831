# The parts of wechatpy that we use, typed; the library ships no types (1.8).
