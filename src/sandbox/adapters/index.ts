/** `usnea/adapters`: sandboxes in the shapes that other libraries ask for. None of them is needed to load this. */
export {
  type AiSession,
  type AiSessionOptions,
  aiSession,
} from './ai-sdk.ts'
export { type McpServer, McpTransport, mcpServer } from './mcp.ts'
